"""Writes the protobuf modules of the package from the repository's .proto files.

In: proto/blinkd/v1/*.proto. Out: src/blinkd/v1/*_pb2.py and *_pb2.pyi, or with --check the names of those that are
out of date (exit code 1). The compiler is grpcio-tools, pinned, so that users of the package need none.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

GRPCIO_TOOLS = "1.76.0"  # generates for protobuf 6.31 and later
PACKAGE = Path(__file__).resolve().parent.parent
PROTO = PACKAGE.parent.parent / "proto"


def generate(into: Path) -> None:
    """Compiles every .proto into the folder `into`, as blinkd/v1/*_pb2.py."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={into}", f"--pyi_out={into}", *files]
    if protoc.main(arguments) != 0:
        raise SystemExit("the .proto files do not compile")


def stale() -> list[str]:
    """Names of generated modules that differ from what the .proto files say now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        names = sorted(path.relative_to(fresh) for path in fresh.rglob("*_pb2.py*"))
        ours = PACKAGE / "src"
        return [str(n) for n in names if not (ours / n).is_file() or (ours / n).read_text() != (fresh / n).read_text()]


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        out_of_date = stale()
        print("\n".join(out_of_date))
        raise SystemExit(1 if out_of_date else 0)
    generate(PACKAGE / "src")
