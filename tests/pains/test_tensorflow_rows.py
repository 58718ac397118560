"""What stock TensorFlow was measured to do worse (M1 to M13 of `../shared/TENSORFLOW.md`), ends better here.

M4 is in `test_restoring`, M12 and M13 in `test_graphs`; kills at every system call in `tests/durability`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from tests.pains.conftest import Trained

DATA = ".data-00000-of-00001"


def test_m1_what_is_saved_is_synced_and_the_old_goes_last(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []

    def watch(name: str, describe: Any) -> None:
        original = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            events.append((name, describe(*arguments)))
            return original(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    def of_descriptor(descriptor: int) -> str:
        return os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")).partition(".ever")[0]

    watch("fsync", of_descriptor)
    watch("replace", lambda old, new: os.path.basename(new))
    watch("remove", lambda path: os.path.basename(path).partition(".ever")[0])
    saver = tf.train.Saver(max_to_keep=1)
    for step in (1, 2):
        events.clear()
        saver.save(trained.session, str(trained.folder / "best"), global_step=step)
    files = {f"best-2{DATA}", "best-2.index", "best-2.meta"}
    synced = {name for kind, name in events if kind == "fsync"}
    assert files <= synced
    assert "checkpoint" in synced
    assert trained.folder.name in synced, "the names, which are the folder's"
    named = [name for kind, name in events if kind == "replace"]
    assert files <= set(named[: named.index("checkpoint")]), "the .meta is there before it is named"
    last_sync = max(number for number, (kind, _) in enumerate(events) if kind == "fsync")
    state = events.index(("replace", "checkpoint"))
    removed = events.index(("remove", "best-1.index"))
    assert state < removed
    assert last_sync > state
    assert not (trained.folder / "best-1.meta").exists()


TRAINER = """
import itertools, sys
from evergraph import tf1 as tf
tf.get_variable("w", initializer=tf.zeros([1 << 20]))
saver = tf.train.Saver(max_to_keep=1)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for step in itertools.count():
        saver.save(session, sys.argv[1], global_step=step)
        print(step, flush=True)
"""


def test_m2_a_kill_leaves_the_newest_whole_with_its_meta_and_no_leftovers(tmp_path: Path) -> None:
    for pause in (0.0, 0.013, 0.029):
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINER, str(tmp_path / "model")], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = tf.train.latest_checkpoint(tmp_path)
        assert found is not None
        report = evergraph.verify_checkpoint(found)
        assert report.whole, report
        assert report.has_graph
    evergraph.save_checkpoint(tmp_path / "other", {"x": 1})
    assert not [name for name in os.listdir(tmp_path) if "tmp" in name or "temp" in name]


def test_m3_the_data_of_another_save_is_said_to_be_that(trained: Trained) -> None:
    trained.session.run(tf.global_variables()[0].assign([[5.0, 6.0], [7.0, 8.0]]))
    trained.saver.save(trained.session, str(trained.folder / "new"))
    os.replace(trained.folder / f"new{DATA}", trained.prefix + DATA)
    with pytest.raises(errors.DataLossError, match="not the data that belongs to") as raised:
        trained.saver.restore(trained.session, trained.prefix)
    assert f"{trained.prefix}.index" in raised.value.message


def test_m3_saving_again_to_one_prefix_keeps_the_old_one_until_the_new_one_is_there(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.session.run(tf.global_variables()[1].assign([9.0, 9.0]))
    with monkeypatch.context() as patched:
        patched.setattr(
            trained.saver, "export_meta_graph", lambda *_, **__: (_ for _ in ()).throw(OSError())
        )
        with pytest.raises(OSError):
            trained.saver.save(trained.session, trained.prefix)
    assert evergraph.verify_checkpoint(trained.prefix).whole
    assert evergraph.open_checkpoint(trained.prefix)["dense/bias"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize("member", [".index", DATA, "/../checkpoint", "/.."])
def test_m7_m8_m9_any_path_of_the_set_restores(trained: Trained, member: str) -> None:
    path = os.path.normpath(trained.prefix + member)
    trained.session.run(tf.global_variables()[1].assign([9.0, 9.0]))
    trained.saver.restore(trained.session, path)
    assert trained.value("dense/bias:0") == [0.5, 0.25]


def test_m10_a_flipped_bit_is_found_with_file_offset_and_tensor(trained: Trained) -> None:
    path = Path(trained.prefix + DATA)
    data = bytearray(path.read_bytes())
    data[9] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(errors.DataLossError) as raised:
        trained.saver.restore(trained.session, trained.prefix)
    first = raised.value.message.splitlines()[0]
    assert first.startswith(f"{path} is damaged in tensor 'dense/kernel', 16 bytes from offset 8: ")
    assert "Checksum does not match" in first


def test_m11_a_file_that_is_cut_short_is_data_loss_with_file_and_tensor(trained: Trained) -> None:
    path = trained.prefix + DATA
    os.truncate(path, 20)
    with pytest.raises(errors.DataLossError) as raised:
        trained.saver.restore(trained.session, trained.prefix)
    first = raised.value.message.splitlines()[0]
    assert first.startswith(
        f"{path} is cut short: tensor 'dense/kernel' has 16 bytes from offset 8, and the file has 20."
    )
