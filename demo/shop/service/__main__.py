"""Runs one shop service: `python -m demo.shop.service NAME --port PORT`, orders as JSON lines on stdin.

The process ends with its parent: the kernel kills it (PR_SET_PDEATHSIG), and the end of stdin ends it too.
"""

import argparse
import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from demo.shop.service.app import build_service_app
from demo.shop.service.node import Node, Orders

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server(uvicorn.Server):
    """A server that tells its parent when it serves."""

    def __init__(self, config: uvicorn.Config, node: Node) -> None:
        super().__init__(config)
        self._node = node

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._node.start()
        print("ready", flush=True)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that shares its port with the parent's reservation and with the process it takes over from."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


async def read_lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def follow(reader: asyncio.StreamReader, node: Node) -> None:
    """Obey each further line; leave at once when the parent's end of the pipe is gone."""
    while line := await reader.readline():
        message: dict[str, Any] = json.loads(line)
        if "orders" in message:
            node.obey(Orders(**message["orders"]))
        if "fault" in message:
            node.fall_ill(message["fault"])
    os._exit(0)


async def run(arguments: argparse.Namespace) -> None:
    reader = await read_lines()
    first = await reader.readline()
    if not first:
        return
    message = json.loads(first)
    node = Node(arguments.name, Orders(**message["orders"]), Path(arguments.log_dir), message["dependencies"])
    config = uvicorn.Config(
        build_service_app(node), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = Server(config, node)
    following = asyncio.create_task(follow(reader, node))
    await server.serve(sockets=[listening_socket(arguments.host, arguments.port)])
    following.cancel()
    await node.aclose()


def main() -> None:
    die_with_parent()
    parser = argparse.ArgumentParser(prog="demo.shop.service")
    parser.add_argument("name", choices=["front", "checkout", "payments"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-dir", required=True)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(arguments))


if __name__ == "__main__":
    main()
