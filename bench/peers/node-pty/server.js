// The usual web-terminal stack: one WebSocket, one PTY, output sent as it comes.
'use strict';
const pty = require('node-pty');
const { WebSocketServer } = require('ws');

const port = Number(process.argv[2]);
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false });

server.on('connection', (socket) => {
  const shell = pty.spawn('/bin/bash', ['-l'], { name: 'xterm-256color', cols: 80, rows: 24 });
  shell.onData((data) => socket.send(data));
  shell.onExit(() => socket.close());
  socket.on('message', (data) => shell.write(data.toString()));
  // A bash that gets SIGHUP (the default) in the very moment of its first prompt can sleep on.
  socket.on('close', () => shell.kill('SIGKILL'));
});
