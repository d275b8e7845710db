"""The command line: one file a command, loaded only when it is called; every end has its exit code and its sentence."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from edocx.cli.interrupt import TERMINATED, Terminated, catch_up, ignore, listen, was_seen, was_terminated

_INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended (128 + SIGINT)."""

_READER_GONE = 141
"""What shells say of a program whose reader left (128 + SIGPIPE): 1 would read as a failed verdict."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code; no error ends in a traceback."""
    own = arguments is None  # our own process: its Ctrl-C is ours too
    if own:
        listen()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while the commands themselves are loaded, or while the end is being said
        code = _INTERRUPTED
    except Terminated:
        code = TERMINATED
    if code in {_INTERRUPTED, TERMINATED}:
        _say_interrupted()
    if own:
        ignore()  # a Ctrl-C that comes when all is said must not change the answer
    _let_go_of_streams()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    from edocx.cli.output import prepare_streams, set_language, take_language

    prepare_streams()
    language, rest = take_language(arguments)
    set_language(language)
    return _guarded(rest, as_json="--json" in rest)


def _guarded(rest: list[str], *, as_json: bool) -> int:
    from edocx.cli.root import app

    catch_up()
    stdout = sys.stdout
    try:
        code: Any = app(args=rest, prog_name="edocx", standalone_mode=False)
        stdout.flush()  # a full disk behind stdout shows here, while there is still a way to say so
    except SystemExit as left:  # typer meets a closed pipe before we do, and wraps what nobody reads any more
        if was_terminated():
            return TERMINATED
        return _READER_GONE if sys.stdout is not stdout else int(left.code or 0)
    except Exception as error:  # noqa: BLE001 - the last place where a fault can become a sentence
        return _said(error, as_json=as_json)
    return int(code or 0)


def _said(error: Any, *, as_json: bool) -> int:
    from edocx.cli.output import fail, unexpected
    from edocx.cli.wrong_call import is_wrong_call, wrong_call
    from edocx.content import storage_error
    from edocx.errors import EdocxError

    if was_terminated():
        return TERMINATED
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _READER_GONE
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its help is the answer
        error.show()
        return int(error.exit_code)
    if is_wrong_call(error):
        error = wrong_call(error)
    if was_seen() or type(error).__name__ == "Abort":  # typer's name for Ctrl-C, and for an answer that never came
        return _INTERRUPTED
    if isinstance(error, OSError):
        error = storage_error(error)
    return fail(error if isinstance(error, EdocxError) else unexpected(error), as_json=as_json)


def _say_interrupted() -> None:
    from edocx.cli.output import interrupted

    interrupted()


def _let_go_of_streams() -> None:
    """Replace streams that cannot take another byte, or the interpreter complains of them at its end."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the very end
