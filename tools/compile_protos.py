"""Compiles the .proto files of the package into the descriptor set that lies beside them.

    python tools/compile_protos.py

Needs grpcio-tools (in the `dev` extra), which brings protoc.  `tests/formats/test_protos.py`
fails when the committed set is not what the .proto files say.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

PROTOS = Path(__file__).resolve().parents[1] / "src" / "evergraph" / "formats" / "protos"
DESCRIPTOR_SET = PROTOS / "descriptors.binpb"


def compile_protos() -> bytes:
    """The serialized FileDescriptorSet of all .proto files, in an order that loads."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from grpc_tools import protoc  # type: ignore[import-untyped]

    sources = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set"
        status = protoc.main(
            [
                "protoc",
                f"--proto_path={PROTOS}",
                f"--proto_path={files('grpc_tools') / '_proto'}",
                "--include_imports",
                f"--descriptor_set_out={output}",
                *sources,
            ]
        )
        if status != 0:
            raise SystemExit(f"protoc failed with status {status}")
        described = FileDescriptorSet.FromString(output.read_bytes())
    for file in described.file:
        # Each protoc release writes other options for the files of protobuf itself.
        file.ClearField("options")
    return described.SerializeToString(deterministic=True)


if __name__ == "__main__":
    compiled = compile_protos()
    DESCRIPTOR_SET.write_bytes(compiled)
    sys.stdout.write(f"{DESCRIPTOR_SET.relative_to(Path.cwd())}: {len(compiled):,} bytes\n")
