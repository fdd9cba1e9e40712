"""An independent client of `sanbao.signal.v1`, written from the protocol document alone.

It joins a consult with a ticket, sends a generated picture, takes the other side's picture through
TURN only, and prints one line of JSON:

    {"frames_received": 60, "relay": true, "peers": ["..."], "resumed": ["exact"], "messages": 3, "closed": 1000}

Its hand goes up when it has seen enough. With `--drop` it cuts its socket without a goodbye once it has
a picture, tells the others a few numbered messages while it is away, resumes, and counts what it was told
by others in order and without repeats.

Exit code 0 when the wanted number of frames came through a relay and every resume was exact, 1 when not.
"""

import argparse
import asyncio
import json
import secrets
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
UNNUMBERED = {"hello", "ping", "pong", "ack", "quality", "precheck"}
TOLD_AWAY = 5


class Session:
    """Numbers both ways: what is sent again after a drop, and what was heard already."""

    def __init__(self):
        self.device = secrets.token_urlsafe(18)
        self.kept = None
        self.sent = 0
        self.received = 0
        self.unacknowledged = {}

    def hello(self, ticket):
        hello = {"type": "hello", "v": 1, "device": self.device, "ticket": ticket}
        if self.kept:
            hello["resume"] = {**self.kept, "seq": self.received}
        return hello

    def welcomed(self, welcome):
        """Takes `welcome`; gives the messages to send again."""
        if welcome["resumed"] == "new":
            self.kept = {name: welcome[name] for name in ("consult", "secret", "epoch")} | {"session": welcome["peer"]}
            self.unacknowledged = {}
            self.sent, self.received = welcome["ack"], welcome["seq"]
        self.acknowledged(welcome["ack"])
        if welcome["resumed"] == "snapshot":
            self.received = welcome["seq"]
        return [self.stamped(seq) for seq in sorted(self.unacknowledged)]

    def number(self, message):
        self.sent += 1
        self.unacknowledged[self.sent] = message
        return self.stamped(self.sent)

    def stamped(self, seq):
        return {**self.unacknowledged[seq], "seq": seq, "ack": self.received}

    def acknowledged(self, ack):
        for seq in [seq for seq in self.unacknowledged if seq <= ack]:
            del self.unacknowledged[seq]

    def is_new(self, message):
        """Whether a message was not heard before; a gap is a defect of the relay."""
        if "ack" in message:
            self.acknowledged(message["ack"])
        seq = message.get("seq")
        if seq is None:
            return True
        if seq > self.received + 1:
            raise AssertionError(f"a gap: {seq} after {self.received}")
        if seq <= self.received:
            return False
        self.received = seq
        return True


class Consult:
    """One person's place in one consult."""

    def __init__(self, url, ticket, frames_wanted):
        self.url = url
        self.ticket = ticket
        self.frames_wanted = frames_wanted
        self.session = Session()
        self.socket = None
        self.frames = 0
        self.enough = asyncio.Event()
        self.back = asyncio.Event()
        self.peers = {}
        self.early = {}
        self.tasks = set()
        self.welcome = None
        self.ice_servers = []
        self.resumed = []
        self.told = []
        self.close_code = None

    async def say(self, **message):
        """Numbers a message; sends it now, or after the next `welcome`."""
        if message["type"] not in UNNUMBERED:
            message = self.session.number(message)
        if self.socket and self.welcome:
            try:
                await self.socket.send(json.dumps(message))
            except ConnectionClosed:
                pass  # it is sent again after the resume

    async def run(self):
        """One socket after the other, until one is closed for good."""
        while True:
            async with connect(self.url, subprotocols=[SUBPROTOCOL], max_size=1 << 20) as socket:
                self.socket = socket
                await socket.send(json.dumps(self.session.hello(self.ticket)))
                try:
                    async for text in socket:
                        message = json.loads(text)
                        if message["type"] == "welcome":
                            await self.welcomed(message)
                        elif self.session.is_new(message):
                            await self.heard(message)
                            if "seq" in message:
                                await self.say(type="ack", ack=self.session.received)
                except ConnectionClosed:
                    pass
                self.close_code = socket.close_code
                self.socket = self.welcome = None
            if self.close_code == 1000 or 4100 <= self.close_code < 4200:
                return
            await asyncio.sleep(0.2)

    async def welcomed(self, message):
        again = self.session.welcomed(message)
        self.welcome = message
        if message["resumed"] == "new":
            self.me = message["peer"]
            await self.say(type="join", id="join", audio=False, video=True)
        else:
            self.resumed.append(message["resumed"])
            self.ice_servers = message["ice_servers"]
            for old in again:
                await self.socket.send(json.dumps(old))
            self.back.set()

    async def heard(self, message):
        kind = message["type"]
        if kind == "joined":
            self.ice_servers = message.get("ice_servers", self.ice_servers)
            # The person who came later offers first.
            for person in message["room"]["peers"]:
                if person["peer"] != self.me:
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
        elif kind == "message" and "number" in (message["data"] or {}):
            self.told.append(message["data"]["number"])
        elif kind in ("peer_left", "peer_reset"):
            peer = self.peers.pop(message["peer"], None)
            if peer:
                await peer.close()
        elif kind == "error":
            print(json.dumps(message), file=sys.stderr)
        # Types that this client does not know are ignored, as the document says.

    async def drop(self):
        """Cuts the socket as a dead network does, speaks into the void, and waits until it is heard."""
        self.back.clear()
        socket, self.welcome = self.socket, None
        socket.transport.abort()
        for number in range(TOLD_AWAY):
            await self.say(type="message", data={"number": number})
        await asyncio.wait_for(self.back.wait(), 10)

    def peer(self, name):
        if name not in self.peers:
            servers = [RTCIceServer(**server) for server in self.servers()]
            configuration = RTCConfiguration(iceServers=servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY)
            pc = RTCPeerConnection(configuration)
            pc.addTrack(VideoStreamTrack())
            pc.on("track", self.take)
            self.peers[name] = pc
        return self.peers[name]

    def servers(self):
        """aiortc takes one TURN server, and knows no TURN over TCP with TLS by an unknown authority: UDP only."""
        for server in self.ice_servers:
            urls = [url for url in server["urls"] if not url.startswith("turns:") and "transport=tcp" not in url]
            if urls:
                yield {**server, "urls": urls}

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
    parser.add_argument("--stay", type=float, default=2, help="how long to go on sending afterwards, unless the consult ends")
    parser.add_argument("--drop", action="store_true", help="cut the socket once and resume exactly")
    arguments = parser.parse_args()
    consult = Consult(arguments.url, arguments.ticket, arguments.frames)
    running = asyncio.ensure_future(consult.run())
    waiting = asyncio.ensure_future(consult.enough.wait())
    await asyncio.wait({running, waiting}, timeout=arguments.seconds, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()  # a defect of this client is told, not hidden
    relay = consult.relayed()
    if consult.enough.is_set():
        if arguments.drop:
            await consult.drop()
        await consult.say(type="hand", id="enough", up=True)
        await asyncio.wait({running}, timeout=arguments.stay)
    try:
        await consult.say(type="leave")
        await asyncio.wait_for(running, 5)
    except TimeoutError:
        running.cancel()
    peers = sorted(consult.peers)
    for pc in consult.peers.values():
        await pc.close()
    whole = consult.told == sorted(set(consult.told)) and consult.resumed == ["exact"] * len(consult.resumed)
    result = {
        "frames_received": consult.frames,
        "relay": relay,
        "peers": peers,
        "resumed": consult.resumed,
        "messages": len(consult.told),
        "closed": consult.close_code,
    }
    print(json.dumps(result), flush=True)
    return 0 if consult.frames >= arguments.frames and relay and whole else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
