"""Holds a generated module to its network, at every compile.

The tree of the module is run without torch: its constructor gives modules at their
paths, its `forward` gives which call reads which value. Both are compared with the
network. Nothing here is shared with the stages that make the tree, but the tree itself
and what ops say of themselves.
"""

from archc.emit.validate.check import validate as validate
from archc.emit.validate.disagreement import Disagreement as Disagreement
