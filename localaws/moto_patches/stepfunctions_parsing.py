"""Definitions of state machines are parsed once, and not again by each execution.

moto 5.2.5 parses a definition to check it, and once more for each execution, by a slow parser of generated Python. The
tree that it returns is only read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from antlr4 import CommonTokenStream, InputStream, PredictionMode  # type: ignore[import-untyped]
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
    SyntaxErrorListener,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from localaws.moto_patches.replacement import replaced

_DEFINITIONS = 64


@contextmanager
def patches() -> Iterator[None]:
    """Trees are kept; each execution gets components of its own."""
    with replaced(AmazonStateLanguageParser, {"parse": staticmethod(_parsed)}):
        yield


def _parsed(definition: str) -> tuple[Any, Any]:
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


@lru_cache(_DEFINITIONS)
def _tree(definition: str) -> Any:
    # ANTLR's faster mode gives the same tree, or errors where the other one need not have any.
    for mode in (PredictionMode.SLL, PredictionMode.LL):
        errors: Any = SyntaxErrorListener()  # type: ignore[no-untyped-call]
        parser: Any = ASLParser(CommonTokenStream(ASLLexer(InputStream(definition))))
        parser._interp.predictionMode = mode
        parser.removeErrorListeners()
        parser.addErrorListener(errors)
        tree = parser.state_machine()
        if not errors.errors:
            return tree
    raise ASLParserException(errors=errors.errors)
