// Opens connections in leakHere(), and never closes one.
const net = require("node:net");

const kept = [];

function leakHere(port, done) {
  const socket = net.connect(port, "127.0.0.1", done);
  socket.on("error", () => process.exit(1));
  kept.push(socket);
}

function openPool(port, wanted) {
  if (wanted === 0) {
    console.log("ready");
    process.stdin.on("end", () => process.exit(0)).resume();
    return;
  }
  leakHere(port, () => openPool(port, wanted - 1));
}

function servePool(port, wanted) {
  const server = net.createServer((socket) => {
    kept.push(socket);
    if (kept.length === wanted) console.log("ready");
  });
  server.listen(port, "127.0.0.1", () => console.log("listening"));
  process.stdin.on("end", () => process.exit(0)).resume();
}

const [, , mode, port, wanted] = process.argv;
if (mode === "connect") openPool(Number(port), Number(wanted));
else servePool(Number(port), Number(wanted));
