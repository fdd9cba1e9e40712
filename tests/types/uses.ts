// Uses of the browser module as its document shows them. Each line that must not pass says so; where nothing was wrong
// there, the type would be no type.
import { connect } from "/static/signalling/sanbao-signal.js";
import { paths } from "/static/signalling/sanbao-check.js";
import { report } from "/static/signalling/sanbao-quality.js";

const call = connect({
  ticket: async () => "eyJ0",
  url: ["/v1/signal", "wss://b.example/v1/signal"],
  stream: new MediaStream(),
  keep: "my-consult",
});
call.on("link", ({ state, attempt }) => [state, attempt]);
const joined: Promise<unknown> = call.join({ audio: true, video: true });
const said: Promise<unknown> = call.chat("您好");
const ways = paths([], async (sdp) => sdp);
report(call);
export { joined, said, ways };

// @ts-expect-error without a ticket there is no call
connect({});
// @ts-expect-error a number is no ticket
connect({ ticket: 7 });
// @ts-expect-error there is no such way
connect({ ticket: "eyJ0", transports: ["sctp"] });
// @ts-expect-error a person joins with picture, sound or both
call.join();
// @ts-expect-error "elsewhere" is one of two words
call.join({ audio: true, video: true, elsewhere: "maybe" });
// @ts-expect-error a call has no such method
call.dance();
// @ts-expect-error the server's answer comes later
paths([], (sdp: string) => sdp);
