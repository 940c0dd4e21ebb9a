"""`python -m archc.run.train` is `archc train`, in the form that torchrun starts."""

from archc.cli.train import command

if __name__ == "__main__":
    command(prog_name="archc train")
