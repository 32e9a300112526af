"""Files beside the logs: their modes, and the traps that other users can lay in a directory they may write."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kinds import Records, Run, Start

from unified_logger import ConfigurationError, flush_logging, get_logger, get_stats, init_logging, shutdown_logging

LOCK = ".unified_logger.lock"
FILES = ("app.log", "errors.log", "ai_responses.log")
ANOTHER = 54_321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")


@pytest.fixture(params=[0o777, 0o1777, 0o775], ids=["open", "sticky", "group"])
def shared(request: pytest.FixtureRequest, log_dir: Path) -> Path:
    """A log directory in which others may make names."""
    log_dir.mkdir()
    log_dir.chmod(request.param)
    return log_dir


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that every user can reach; those of pytest are the test's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of this user that is no log."""
    path = tmp_path / "victim"
    path.write_text("precious\n")
    path.chmod(0o600)
    return path


MODES = """
import os, sys
os.umask(int(sys.argv[1], 8))
from unified_logger import flush_logging, get_logger, init_logging
options = {"file_mode": sys.argv[2], "dir_mode": sys.argv[3]} if len(sys.argv) > 2 else {}
init_logging(log_dir="a/b/logs", max_bytes=300, backup_count=3, console_format="off", **options)
for number in range(8):
    get_logger("app.ai").error("m", number=number)
assert flush_logging(30)
"""


def found_modes(tmp_path: Path, switch: str) -> tuple[set[str], set[str]]:
    """The modes of the files and of the directories that were made."""
    directory = tmp_path / "a" / "b" / "logs"
    names = {path.name for path in directory.iterdir()}
    assert {*FILES, "faults.txt", "app.log.1", "app.log.3", "errors.log.1"} <= names
    assert (LOCK in names) == (switch == "true")
    files = {oct(stat.S_IMODE(path.lstat().st_mode)) for path in directory.iterdir() if path.is_file()}
    directories = (directory, directory.parent, directory.parent.parent)
    return files, {oct(stat.S_IMODE(path.stat().st_mode)) for path in directories}


@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o037, 0o077, 0o777], ids=oct)
def test_a_mode_that_nobody_asked_for_is_no_wider_than_the_umask(
    run_python: Run, tmp_path: Path, umask: int, switch: str
) -> None:
    """Files 0640 at most, rotated ones and the lock too; directories 0750; under 077 they are the user's alone. The owner's rights stay.

    Seen to fail with modes that are set whatever the umask says.
    """
    run_python(MODES, oct(umask)[2:], USE_UNIFIED_LOGGING=switch)
    others = 0o077 & ~umask
    files, directories = found_modes(tmp_path, switch)
    assert files == {oct(0o600 | 0o640 & others)}
    assert directories == {oct(0o700 | 0o750 & others)}


@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777], ids=oct)
def test_a_mode_that_was_asked_for_holds_exactly(run_python: Run, tmp_path: Path, umask: int, switch: str) -> None:
    """Also where it is what would be without the option. Seen to fail without `settle_mode`."""
    for number, modes in enumerate((("640", "750"), ("644", "755"), ("600", "700"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        run_python(
            f"import os\nos.chdir({str(folder)!r})\n" + MODES, oct(umask)[2:], *modes, USE_UNIFIED_LOGGING=switch
        )
        files, directories = found_modes(folder, switch)
        assert (files, directories) == ({"0o" + modes[0]}, {"0o" + modes[1]})


@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
def test_the_umask_at_the_time_counts(run_python: Run, tmp_path: Path, switch: str) -> None:
    """A program that closes up later has the files that are made later closed too."""
    run_python(
        MODES.replace('init_logging(log_dir="a/b/logs", ', 'init_logging(log_dir="logs", ').replace(
            "for number", "os.umask(0o077)\nfor number"
        ),
        "22",
        USE_UNIFIED_LOGGING=switch,
    )
    logs = tmp_path / "logs"
    assert stat.S_IMODE((logs / "app.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(logs.stat().st_mode) == 0o750


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write wherever it likes")
def test_a_directory_made_under_a_umask_of_777_can_be_used(run_python: Run, tmp_path: Path) -> None:
    """By those whom modes bind."""
    run_python(MODES, "777")


@as_root
@pytest.mark.parametrize("switch", ["true", "false"], ids=["engine", "fallback handlers"])
def test_a_umask_of_777_does_not_lock_out_an_ordinary_user(run_python: Run, open_to_all: Path, switch: str) -> None:
    """Its own directories stay open to it. Seen to fail without `set_permissions` in `create_directories`."""
    os.chown(open_to_all, ANOTHER, ANOTHER)
    give_up = f"""
import os, sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="first", console_format="off")
get_logger("app").info("m")
os.chdir({str(open_to_all)!r})
os.setegid({ANOTHER})
os.seteuid({ANOTHER})
"""
    run_python(give_up + MODES, "777", USE_UNIFIED_LOGGING=switch)
    assert (open_to_all / "a" / "b" / "logs" / "app.log").stat().st_uid == ANOTHER


@pytest.mark.usefixtures("mode")
def test_modes_that_are_there_stay_and_are_told_once(start: Start, log_dir: Path, records: Records) -> None:
    """Whoever gave them had a reason; that others may write is said in the log."""
    log_dir.mkdir(mode=0o700)
    for name, file_mode in (("app.log", 0o666), ("errors.log", 0o600), ("ai_responses.log", 0o664)):
        (log_dir / name).touch()
        (log_dir / name).chmod(file_mode)
    start(console_format="off")
    get_logger("app").error("m")
    found = [record["message"] for record in records() if "may be written by others" in record["message"]]
    assert [message.split(" ")[0] for message in found] == ["app.log", "ai_responses.log"], found
    assert "0666" in found[0]
    assert [stat.S_IMODE((log_dir / name).stat().st_mode) for name in FILES] == [0o666, 0o600, 0o664]
    assert stat.S_IMODE(log_dir.stat().st_mode) == 0o700


def test_a_directory_that_others_may_write_is_told(start: Start, shared: Path, records: Records) -> None:
    """Once, as a record of its own."""
    start(console_format="off")
    assert (
        len([record for record in records() if "other users may make files in the log directory" in record["message"]])
        == 1
    )


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("name", [*FILES, LOCK])
def test_a_link_in_a_shared_directory_is_not_followed(
    start: Start, shared: Path, victim: Path, name: str, mode: str
) -> None:
    """Neither to a file nor to where none is yet. Seen to fail with `O_NOFOLLOW` and the look at the link taken out."""
    if name == LOCK and mode != "engine":
        pytest.skip("fallback handlers have no lock")
    for target in (victim, victim.parent / "new"):
        (shared / name).symlink_to(target)
        with pytest.raises(ConfigurationError, match="symbolic link"):
            start()
        (shared / name).unlink()
    assert victim.read_text() == "precious\n"
    assert not (victim.parent / "new").exists()


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("name", [*FILES, LOCK])
def test_a_second_name_of_a_foreign_file_is_not_written(
    start: Start, shared: Path, victim: Path, name: str, mode: str
) -> None:
    """A hard link cannot be told from a file but by its count. Seen to fail with that look taken out."""
    if name == LOCK and mode != "engine":
        pytest.skip("fallback handlers have no lock")
    os.link(victim, shared / name)
    with pytest.raises(ConfigurationError, match="another name"):
        start()
    assert victim.read_text() == "precious\n"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", FILES)
def test_links_in_a_directory_of_ones_own_are_followed(start: Start, log_dir: Path, tmp_path: Path, name: str) -> None:
    """Who else could have laid them."""
    log_dir.mkdir(mode=0o750)
    (log_dir / name).symlink_to(tmp_path / "elsewhere")
    start(console_format="off")
    get_logger("app.ai").error("m")
    assert flush_logging(10)
    assert (tmp_path / "elsewhere").read_text().count("\n") == 1


@as_root
@pytest.mark.usefixtures("mode")
def test_a_file_of_another_user_in_an_open_directory_is_not_written(start: Start, log_dir: Path) -> None:
    """Made in advance, to read what will be logged, as in /tmp. Seen to fail without `is_foreign`."""
    log_dir.mkdir()
    log_dir.chmod(0o1777)
    (log_dir / "app.log").touch()
    os.chown(log_dir / "app.log", ANOTHER, ANOTHER)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        start()
    assert (log_dir / "app.log").read_text() == ""


@as_root
def test_a_file_of_another_user_gets_no_stacks_of_a_crash(run_python: Run, tmp_path: Path) -> None:
    """`faults.txt` is opened as log files are. Seen to fail with an opening of its own, which looked at links only."""
    logs = tmp_path / "logs"
    logs.mkdir()
    logs.chmod(0o1777)
    (logs / "faults.txt").touch()
    os.chown(logs / "faults.txt", ANOTHER, ANOTHER)
    run_python(
        """
import faulthandler
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
assert not faulthandler.is_enabled()
"""
    )
    assert "faulthandler has no file beside the logs" in (logs / "app.log").read_text()


@as_root
@pytest.mark.usefixtures("mode")
def test_a_directory_of_another_user_is_used_without_following_its_links(
    start: Start, log_dir: Path, victim: Path
) -> None:
    """A service that root starts logs into the directory of its own user, but writes nothing of root's for it."""
    log_dir.mkdir(mode=0o755)
    (log_dir / "app.log").touch()
    for path in (log_dir, log_dir / "app.log"):
        os.chown(path, ANOTHER, ANOTHER)
    start(console_format="off")
    get_logger("app").info("m")
    assert flush_logging(10)
    assert '"m"' in (log_dir / "app.log").read_text()
    shutdown_logging()
    (log_dir / "app.log").unlink()
    (log_dir / "app.log").symlink_to(victim)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        start(console_format="off", queue_size=99)
    assert victim.read_text() == "precious\n"


@as_root
@pytest.mark.usefixtures("mode")
def test_a_link_for_the_directory_laid_by_another_user_is_not_followed(tmp_path: Path) -> None:
    """/tmp/logs can lead anywhere. Seen to fail without `is_planted_link`."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "target").mkdir()
    link = tmp_path / "tmp" / "logs"
    link.symlink_to(tmp_path / "target")
    os.lchown(link, ANOTHER, ANOTHER)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        init_logging(log_dir=str(link))
    assert list((tmp_path / "target").iterdir()) == []


def make_fifo(path: Path) -> None:
    """A FIFO without a reader."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """A listening socket."""
    directory = os.getcwd()
    os.chdir(path.parent)  # Names of sockets are short.
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(directory)


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("make", [make_fifo, make_socket, Path.mkdir], ids=["fifo", "socket", "directory"])
@pytest.mark.parametrize("name", [*FILES, LOCK])
def test_what_is_no_file_is_refused_at_the_start(
    start: Start, log_dir: Path, make: Callable[[Path], None], name: str, mode: str
) -> None:
    """At once: a FIFO that nobody reads holds nothing up."""
    if name == LOCK and mode != "engine":
        pytest.skip("fallback handlers have no lock")
    log_dir.mkdir()
    make(log_dir / name)
    with pytest.raises(ConfigurationError, match="log_dir"):
        start()


@pytest.mark.parametrize("make", [make_fifo, make_socket, Path.mkdir], ids=["fifo", "socket", "directory"])
def test_what_takes_the_place_of_a_file_gets_nothing_and_loses_nothing(
    start: Start, log_dir: Path, records: Records, make: Callable[[Path], None]
) -> None:
    """The records wait; once the thing is gone they are written."""
    start(console_format="off", enable_ai_handler=False)
    logger, path = get_logger("app"), log_dir / "app.log"
    logger.info("before")
    assert flush_logging(10)
    path.rename(log_dir / "kept")
    make(path)
    logger.info("while it is there")
    assert not flush_logging(0.3)
    assert get_stats()["files"]["app"]["errors"] > 0
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    assert [record["message"] for record in records()] == ["while it is there"]
    assert path.is_file()


@pytest.mark.parametrize("replaced", ["file", "lock"])
def test_a_link_laid_while_running_is_not_followed(
    start: Start, log_dir: Path, records: Records, victim: Path, replaced: str
) -> None:
    """In a directory that others may write."""
    log_dir.mkdir()
    log_dir.chmod(0o777)
    start(console_format="off")
    logger, path = get_logger("app"), log_dir / ("app.log" if replaced == "file" else LOCK)
    logger.info("before")
    assert flush_logging(10)
    path.unlink()
    path.symlink_to(victim)
    logger.info("while it is there")
    flush_logging(0.3)
    assert victim.read_text() == "precious\n"
    path.unlink()
    assert "while it is there" in [record["message"] for record in records()]
    assert victim.read_text() == "precious\n"


def fill(count: int = 12) -> None:
    """Records that fill some files of 300 bytes."""
    for number in range(count):
        get_logger("app").info("m", number=number)


def numbers(directory: Path) -> list[int]:
    """Of all records in regular files, in order."""
    lines = [
        line
        for path in directory.glob("app.log*")
        if path.is_file() and not path.is_symlink()
        for line in path.read_text().splitlines()
    ]
    return sorted(record["number"] for record in map(json.loads, lines) if "number" in record)


@pytest.mark.parametrize("name", ["app.log.1", "app.log.2"])
def test_a_link_at_a_rotated_name_is_not_followed(
    start: Start, shared: Path, victim: Path, name: str, mode: str
) -> None:
    """The engine steps around it, and the fallback handlers move the name; what it led to keeps its contents."""
    (shared / name).symlink_to(victim)
    start(max_bytes=300, backup_count=2, console_format="off")
    fill()
    assert flush_logging(10)
    assert victim.read_text() == "precious\n"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600
    left = [path.name for path in shared.glob("app.log*") if path.is_symlink()]
    assert left == ([name] if mode == "engine" else [])


def nowhere() -> tuple[str, Callable[[], str]]:
    """What takes all and keeps nothing."""
    return "/dev/null", str


def terminal() -> tuple[str, Callable[[], str]]:
    """What `/dev/stdout` is in a container with a terminal."""
    reader, writer = os.openpty()
    name = os.ttyname(writer)
    found = bytearray()

    def read() -> None:
        while b'"last"' not in found or not found.endswith(b"\n"):
            found.extend(os.read(reader, 4096))

    reading = threading.Thread(target=read, daemon=True)  # should nothing come
    reading.start()

    def lines() -> str:
        reading.join(30)
        os.close(writer)
        os.close(reader)
        return found.decode().replace("\r\n", "\n")

    return name, lines


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("device", [nowhere, terminal])
def test_a_link_to_a_device_is_written_and_never_rotated(
    start: Start, log_dir: Path, device: Callable[[], tuple[str, Callable[[], str]]]
) -> None:
    """As images have it for `/dev/null` and `/dev/stdout`.

    Seen to fail for the engine (the link renamed, a file in its place) with the bytes of a batch taken for its size.
    """
    log_dir.mkdir()
    target, lines = device()
    (log_dir / "app.log").symlink_to(target)
    start(max_bytes=300, backup_count=3, console_format="off")
    before = get_stats()["files"]["app"]["errors"]
    fill(20)
    get_logger("app").info("last")
    assert flush_logging(10)
    assert [path.name for path in log_dir.glob("app.log*")] == ["app.log"]
    assert os.readlink(log_dir / "app.log") == target
    assert get_stats()["files"]["app"]["errors"] == before
    if found := lines():
        numbers = [json.loads(line).get("number") for line in found.splitlines()]
        assert [number for number in numbers if number is not None] == list(range(20))


@pytest.mark.usefixtures("mode")
def test_a_link_to_a_pipe_is_refused_and_left(start: Start, log_dir: Path) -> None:
    """What `/dev/stdout` is in most containers: a line that it takes in part could not be taken back."""
    log_dir.mkdir()
    reader, writer = os.pipe()
    (log_dir / "app.log").symlink_to(f"/proc/self/fd/{writer}")
    with pytest.raises(ConfigurationError, match="log_dir"):
        start()
    assert os.readlink(log_dir / "app.log") == f"/proc/self/fd/{writer}"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("name", ["app.log.1", "app.log.3"])
def test_a_directory_at_a_rotated_name_costs_no_record(
    start: Start, log_dir: Path, name: str, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The engine steps around it, and tells."""
    (log_dir / name / "kept").mkdir(parents=True)
    start(max_bytes=300, backup_count=100, console_format="off")
    fill(3)
    assert flush_logging(10)
    fill(40)
    assert flush_logging(10)
    found = numbers(log_dir)
    assert found[-1] == 39
    assert found.count(39) == 1
    assert list(range(40)) == sorted(set(found))
    assert [path for path in log_dir.rglob("kept") if path.is_dir()] != []
    assert shutdown_logging(10)
    if mode == "engine":
        assert (log_dir / name / "kept").is_dir()
        assert f"{name} is not of this library" in capfd.readouterr().err
