"""An independent client of `sanbao.signal.v1`, written from the protocol document alone.

It joins a consult with a ticket, sends a generated picture, takes the other side's picture through
TURN only, and prints one line of JSON:

    {"frames_received": 60, "relay": true, "peers": ["..."], "closed": 1000}

Exit code 0 when the wanted number of frames came through a relay, 1 when not.
"""

import argparse
import asyncio
import json
import sys

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

SUBPROTOCOL = "sanbao.signal.v1"


class Consult:
    """One person's place in one consult."""

    def __init__(self, socket, frames_wanted):
        self.socket = socket
        self.frames_wanted = frames_wanted
        self.frames = 0
        self.enough = asyncio.Event()
        self.peers = {}
        self.early = {}
        self.tasks = set()
        self.welcome = None

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def run(self, ticket):
        await self.say(type="hello", v=1, ticket=ticket)
        async for text in self.socket:
            await self.heard(json.loads(text))

    async def heard(self, message):
        kind = message["type"]
        if kind == "welcome":
            self.welcome = message
            await self.say(type="join", id="join", audio=False, video=True)
        elif kind == "joined":
            # Whoever came later offers first.
            for person in message["room"]["peers"]:
                if person["peer"] != self.welcome["peer"]:
                    await self.offer(person["peer"])
            for person in message["room"]["waiting"]:
                await self.say(type="admit", id="admit", peer=person["peer"])
        elif kind == "ring":
            await self.say(type="admit", id="admit", peer=message["peer"])
        elif kind == "offer":
            await self.answer(message["from"], message["sdp"])
        elif kind == "answer":
            await self.described(message["from"], message)
        elif kind == "candidate":
            await self.candidate(message["from"], message["candidate"])
        elif kind == "peer_left":
            peer = self.peers.pop(message["peer"], None)
            if peer:
                await peer.close()
        elif kind == "error":
            print(json.dumps(message), file=sys.stderr)
        # Types that this client does not know are ignored, as the document says.

    def peer(self, name):
        if name not in self.peers:
            servers = [RTCIceServer(**server) for server in self.welcome["ice_servers"]]
            configuration = RTCConfiguration(iceServers=servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY)
            pc = RTCPeerConnection(configuration)
            pc.addTrack(VideoStreamTrack())
            pc.on("track", self.take)
            self.peers[name] = pc
        return self.peers[name]

    async def offer(self, name):
        pc = self.peer(name)
        await pc.setLocalDescription(await pc.createOffer())
        await self.say(type="offer", to=name, sdp=pc.localDescription.sdp)

    async def answer(self, name, sdp):
        pc = self.peer(name)
        await self.described(name, {"type": "offer", "sdp": sdp})
        await pc.setLocalDescription(await pc.createAnswer())
        await self.say(type="answer", to=name, sdp=pc.localDescription.sdp)

    async def described(self, name, message):
        pc = self.peer(name)
        await pc.setRemoteDescription(RTCSessionDescription(message["sdp"], message["type"]))
        for candidate in self.early.pop(name, []):
            await self.candidate(name, candidate)

    async def candidate(self, name, candidate):
        pc = self.peer(name)
        if pc.remoteDescription is None:
            self.early.setdefault(name, []).append(candidate)
            return
        if not candidate or not candidate["candidate"]:
            return
        parsed = candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
        parsed.sdpMid, parsed.sdpMLineIndex = candidate["sdpMid"], candidate["sdpMLineIndex"]
        await pc.addIceCandidate(parsed)

    def take(self, track):
        task = asyncio.ensure_future(self.count(track))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def count(self, track):
        while track.kind == "video":
            try:
                await track.recv()
            except MediaStreamError:
                return
            self.frames += 1
            if self.frames >= self.frames_wanted:
                self.enough.set()

    def relayed(self):
        """Whether every chosen path begins at a relayed address of ours."""
        kinds = set()
        for pc in self.peers.values():
            for line in pc.getTransceivers():
                pairs = line.sender.transport.transport._connection._nominated.values()
                kinds.update(pair.local_candidate.type for pair in pairs)
        return kinds == {"relay"}


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="ws://host:port/v1/signal")
    parser.add_argument("ticket")
    parser.add_argument("--frames", type=int, default=60, help="how many frames to wait for")
    parser.add_argument("--seconds", type=float, default=30, help="how long to wait for them")
    parser.add_argument("--stay", type=float, default=2, help="how long to go on sending afterwards")
    arguments = parser.parse_args()
    async with connect(arguments.url, subprotocols=[SUBPROTOCOL], max_size=65536) as socket:
        consult = Consult(socket, arguments.frames)
        running = asyncio.ensure_future(consult.run(arguments.ticket))
        waiting = asyncio.ensure_future(consult.enough.wait())
        await asyncio.wait({running, waiting}, timeout=arguments.seconds, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()  # a defect of this client is told, not hidden
        relay = consult.relayed()
        if consult.enough.is_set():
            await asyncio.sleep(arguments.stay)
        try:
            await consult.say(type="leave")
            await asyncio.wait_for(running, 5)
        except (ConnectionClosed, TimeoutError):
            running.cancel()
        peers = sorted(consult.peers)
        for pc in consult.peers.values():
            await pc.close()
    result = {"frames_received": consult.frames, "relay": relay, "peers": peers, "closed": socket.close_code}
    print(json.dumps(result), flush=True)
    return 0 if consult.frames >= arguments.frames and relay else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
