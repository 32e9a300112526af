"""Ways to fail: each function raises in a way of its own. Line breaks and odd code are on purpose."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable


def plain() -> None:
    raise ValueError("plain")


def empty_message() -> None:
    raise ValueError


def lines_in_message() -> None:
    raise ValueError("first\nsecond\n  third")


def nested_calls() -> None:
    def inner(n: int) -> None:
        if n:
            inner(n - 1)
        else:
            _ = [1, 2, 3][7]

    inner(2)


def recursion() -> None:
    def down(n: int) -> None:
        if n == 0:
            raise RuntimeError("bottom")
        down(n - 1)

    down(40)


def mutual_recursion() -> None:
    def one(n: int) -> None:
        if n == 0:
            raise RuntimeError("bottom")
        other(n - 1)

    def other(n: int) -> None:
        one(n)

    one(6)


def chained() -> None:
    try:
        plain()
    except ValueError as error:
        raise KeyError("outer") from error


def in_handler() -> None:
    try:
        plain()
    except ValueError:
        _ = {}["missing"]


def from_none() -> None:
    try:
        plain()
    except ValueError:
        raise KeyError("outer") from None


def long_chain() -> None:
    error: BaseException = ValueError(0)
    for number in range(1, 8):
        try:
            raise RuntimeError(number) from error
        except RuntimeError as caught:
            error = caught
    raise error


def cycle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def unprintable() -> None:
    raise Unprintable


class Local(Exception):
    class Nested(Exception):
        pass


def nested_class() -> None:
    raise Local.Nested("x")


def local_class() -> None:
    class InFunction(Exception):
        pass

    raise InFunction("é 你好")


def syntax_error() -> None:
    compile("a = (1,\nb = ]", "<text>", "exec")


def syntax_error_in_exec() -> None:
    exec("def f(:\n  pass")


def executed() -> None:
    exec("def f():\n    raise ValueError('inside')\nf()")


def name_error() -> None:
    value_of_things = 1
    print(value_of_thing)  # type: ignore[name-defined]


def forgotten_import() -> None:
    socket.socket()  # type: ignore[name-defined]


def attribute_error() -> None:
    sys.versoin  # type: ignore[attr-defined]


def import_error() -> None:
    from collections import ordereddict  # type: ignore[attr-defined]  # noqa: F401


def import_missing() -> None:
    import no_such_module_anywhere  # type: ignore[import-not-found]  # noqa: F401


def in_lambda() -> None:
    (lambda: 1 // 0)()


def in_comprehension() -> None:
    _ = [1 // n for n in (1, 0)]


def in_generator() -> None:
    def numbers():  # type: ignore[no-untyped-def]
        yield 1
        raise ValueError("exhausted")

    list(numbers())


# fmt: off
def several_lines() -> None:
    _ = sum(
        [
            1,
            2,
            3,
            "four",  # type: ignore[list-item]
        ]
    )


def two_lines() -> None:
    plain(
    )


def binary_over_lines() -> None:
    numerator, denominator = 1, 0
    _ = (
        numerator
        + numerator
        + numerator / denominator
        + numerator
        + numerator
    )
# fmt: on


def assertion() -> None:
    assert sys.maxsize < 0, "not small"


def system_exit() -> None:
    raise SystemExit(3)


def keyboard_interrupt() -> None:
    raise KeyboardInterrupt


def os_error() -> None:
    with open("/no/such/file"):
        pass


def unicode_error() -> None:
    b"\xff".decode()


def surrogate_message() -> None:
    raise ValueError("lone \ud800 surrogate")


def notes() -> None:
    error = ValueError("noted")
    if hasattr(error, "add_note"):
        error.add_note("first note")
        error.add_note("second\nnote")
    raise error


def odd_notes() -> None:
    error = ValueError("noted")
    error.__notes__ = 5  # type: ignore[assignment]
    raise error


def notes_in_a_tuple() -> None:
    error = ValueError("noted")
    error.__notes__ = ("one", 2, Unprintable())  # type: ignore[assignment]
    raise error


class Secretive(Exception):
    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise RuntimeError("no notes")


def failing_notes() -> None:
    if sys.version_info >= (3, 13):  # before, `traceback` itself fails on these
        raise Secretive("x")
    raise ValueError("x")


def of_a_class_without_module() -> None:
    raise type("Homeless", (Exception,), {"__module__": None})("x")


def syntax_error_without_place() -> None:
    raise SyntaxError("only words")


def indented_with_tabs() -> None:
    exec("if True:\n\tx = 1\n        y = 2\n")


def undecodable_source() -> None:
    compile(b"# coding: utf-8\nx = '\xff'", "<bytes>", "exec")


def name_in_a_method() -> None:
    class Shop:
        price = 7

        def total(self) -> int:
            return price  # type: ignore[name-defined,no-any-return]

    Shop().total()


def attribute_of_an_instance() -> None:
    class Shop:
        price = 7

    _ = Shop().prise  # type: ignore[attr-defined]


def cause_and_context() -> None:
    try:
        plain()
    except ValueError:
        raise KeyError("outer") from OSError("cause")


def context_in_cause() -> None:
    try:
        try:
            in_handler()
        except KeyError as error:
            raise RuntimeError("middle") from error
    except RuntimeError:
        plain()


def deep_recursion() -> None:
    def down() -> None:
        down()

    down()


def recursion_on_one_line() -> None:
    def down(n: int) -> int:
        return (down(n - 1) if n % 3 else down(n - 2)) + 1 if n else 1 // 0

    down(20)


def in_class_body() -> None:
    class Broken:
        value = 1 // 0


def in_coroutine() -> None:
    async def wait() -> None:
        raise ValueError("awaited")

    wait().send(None)


def in_a_made_up_traceback() -> None:
    try:
        plain()
    except ValueError as error:
        traceback = error.__traceback__
        assert traceback is not None
        made_up = types.TracebackType(None, traceback.tb_frame, -1, traceback.tb_lineno)
        raise error.with_traceback(types.TracebackType(made_up, traceback.tb_frame, traceback.tb_lasti, 3)) from None


if sys.version_info >= (3, 11):

    def group() -> None:
        def member(text: str) -> Exception:
            try:
                raise ValueError(text)
            except ValueError as error:
                return error

        raise ExceptionGroup("several", [member("one"), KeyError("two"), member("three\nlines")])

    def nested_groups() -> None:
        inner = ExceptionGroup("inner", [ValueError(1), ExceptionGroup("innermost", [TypeError(2)])])
        raise ExceptionGroup("outer", [inner, OSError("last")])

    def group_with_cause() -> None:
        try:
            group()
        except ExceptionGroup as error:
            raise ExceptionGroup("again", [ValueError("x")]) from error

    def member_with_cause() -> None:
        try:
            chained()
        except KeyError as error:
            raise ExceptionGroup("with chain", [error, ValueError("y")]) from None

    def wide_group() -> None:
        raise ExceptionGroup("wide", [ValueError(n) for n in range(20)])

    def deep_groups() -> None:
        error: Exception = ValueError("core")
        for number in range(14):
            error = ExceptionGroup(f"level {number}", [error])
        raise error

    def member_is_the_context() -> None:
        try:
            chained()
        except KeyError as error:
            raise ExceptionGroup("of what was caught", [error, ValueError("y")])  # noqa: B904

    def members_with_one_cause() -> None:
        cause = OSError("shared")
        members: list[Exception] = [ValueError(1), ValueError(2)]
        for member in members:
            member.__cause__ = cause
        raise ExceptionGroup("shared", members)

    def line_ends_in_group() -> None:
        error = ValueError("one\rtwo\r\nthree\x0bfour\u2028five\n")
        error.add_note("a\x85b")
        raise ExceptionGroup("line\x1cends", [error, ValueError("\n")])

    def several_lines_in_group() -> None:
        try:
            several_lines()
        except TypeError as error:
            raise ExceptionGroup("with source", [error, error]) from None

    def wide_group_in_wide_group() -> None:
        inner = ExceptionGroup("inner", [ValueError(n) for n in range(16)])
        raise ExceptionGroup("outer", [inner] * 17)

    def group_of_a_class_of_its_own() -> None:
        class Batch(ExceptionGroup[Exception]):
            pass

        raise Batch("batch", [ValueError("x")])

    def base_group() -> None:
        raise BaseExceptionGroup("base", [KeyboardInterrupt(), ValueError("z")])


def corpus() -> list[Callable[[], None]]:
    """All of them."""
    skipped = {"corpus"}
    return [
        function
        for name, function in globals().items()
        if callable(function) and not isinstance(function, type) and name not in skipped and name != "Callable"
    ]
