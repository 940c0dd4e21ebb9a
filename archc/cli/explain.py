"""`archc explain`."""

from __future__ import annotations

import sys
from textwrap import indent
from typing import TYPE_CHECKING

import click

from archc.cli.options import color_option, colored

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archc.diagnostics.codes import Code

_EPILOG = """\b
Examples:
  archc explain                 # lists all codes, of advice too
  archc explain merge-mismatch
"""


def _complete(
    context: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from archc.diagnostics.codes import CODES

    return [
        CompletionItem(slug, help=code.summary)
        for slug, code in CODES.items()
        if slug.startswith(incomplete)
    ]


@click.command("explain", epilog=_EPILOG)
@click.argument("code", required=False, shell_complete=_complete)
@color_option
def command(code: str | None, color: str) -> None:
    """Explain a diagnostic: what it means, an example, and its mend."""
    from archc.diagnostics.codes import CODES
    from archc.diagnostics.suggest import did_you_mean

    paint = colored(color, sys.stdout)
    if code is None:
        from archc.advice.advise import RULES

        known = {
            slug: found.summary for slug, found in (*CODES.items(), *RULES.items())
        }
        longest = max(map(len, known))
        for slug, summary in sorted(known.items()):
            click.echo(f"{_bold(f'{slug:<{longest}}')}  {summary}", color=paint)
        return
    # as it stands in a report, `error[merge-mismatch]`, it is taken too
    slug = code.rpartition("[")[2].rstrip("]:")
    advice = _advice(slug)
    if advice:
        click.echo(advice, color=paint)
        return
    if slug not in CODES:
        from archc.advice.advise import RULES

        known = (*CODES, *RULES)
        holding = [each for each in known if slug and slug.lower() in each]
        raise click.UsageError(
            f"there is no code {code!r}; {did_you_mean(slug, holding or known)}"
            " (`archc explain` lists all)"
        )
    click.echo(_page(CODES[slug]), color=paint)


def _advice(slug: str) -> str:
    """The page of a piece of advice; empty where the code is none."""
    from archc.advice.advise import RULES

    rule = RULES.get(slug)
    if rule is None:
        return ""
    parts = (
        _bold(f"advice[{rule.code}]: {rule.summary}"),
        f"Source: {rule.source}.",
        _bold("The mend:"),
        indent(f"{rule.mend[0].upper()}{rule.mend[1:]}.", "    "),
        _bold("To silence it in a spec:"),
        f'    advice = [{{ code = "{rule.code}", reason = "as published" }}]',
    )
    return "\n\n".join(parts)


def _page(code: Code) -> str:
    parts = (
        _bold(f"{code.severity}[{code.slug}]: {code.summary}"),
        code.explanation.strip(),
        _bold("An example:"),
        indent(code.example.strip(), "    "),
        _bold("The mend:"),
        indent(code.mend.strip(), "    "),
    )
    return "\n\n".join(part for part in parts if part.strip())


def _bold(text: str) -> str:
    return click.style(text, bold=True)
