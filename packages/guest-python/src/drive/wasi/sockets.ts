import { refusal } from "./refusal.ts";
import type { Operation, Operations } from "./world.ts";

const NONE: Operation = {
  does: "ENOTSOCK, or EBADF for what is not open: there are no sockets",
  run(world, fd: number) {
    world.descriptors.get(fd);
    throw refusal("NOTSOCK");
  },
};

export const SOCKETS: Operations = {
  sock_accept: NONE,
  sock_recv: NONE,
  sock_send: NONE,
  sock_shutdown: NONE,
};
