"""What other tools print for a network, and why they count otherwise.

Each tool is a file: its rules as data, by the names of torch's modules and functions.
"""
