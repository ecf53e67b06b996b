"""What the tests stand on: the real binary, real sockets, real browsers. No test here, no assertion of behaviour."""
