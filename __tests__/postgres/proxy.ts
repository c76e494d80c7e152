/** A connection to a server that can be cut at the worst moment. */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Whether a client still says who it is, in as many messages as the server asks for (PostgreSQL, 54.2.1). */
function isConnecting([type]: Buffer): boolean {
  return type === 0 || type === "p".charCodeAt(0);
}

/**
 * What becomes of the next request: it is passed on; it is lost on its way; it arrives and its answer is lost; it arrives
 * when {@link Proxy.release} is called, and the client hears nothing.
 */
type Fate = "passes" | "is lost" | "is not answered" | "is late";

/** Stands between a client and a server on the loopback interface. */
export class Proxy {
  /** What becomes of the next request; the one after it passes. */
  next: Fate = "passes";
  /** Requests that pass before {@link next} holds. */
  passing = 0;
  /** Whether nobody gets through. */
  isBlocked = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #late: (() => void) | undefined;
  #port = 0;

  private constructor() {
    this.#server = createServer((client) => {
      if (this.isBlocked) client.on("error", () => {}).destroy();
      else this.#serve(client, connect(this.#port, "127.0.0.1"));
    });
  }

  /** Opens a way to the server at `url`; answers the way's own URL too. */
  static async open(url: string): Promise<{ readonly proxy: Proxy; readonly url: string }> {
    const target = new URL(url);
    const proxy = new Proxy();
    proxy.leadTo(url);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    target.port = String((proxy.#server.address() as AddressInfo).port);
    return { proxy, url: target.href };
  }

  /** Connections from now on are made to the server at `url`, as with an address that moves to another host. */
  leadTo(url: string): void {
    this.#port = Number(new URL(url).port);
  }

  /** Lets a late request go on its way. */
  release(): void {
    this.#late?.();
    this.#late = undefined;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(client: Socket, server: Socket): void {
    let isAnswerLost = false;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    }
    client.on("close", () => {
      if (this.#late === undefined) server.destroy();
    });
    server.on("close", () => client.destroy());
    client.on("data", (bytes) => {
      const fate = isConnecting(bytes) || this.passing > 0 ? "passes" : this.next;
      if (!isConnecting(bytes)) {
        if (this.passing > 0) this.passing -= 1;
        else this.next = "passes";
      }
      isAnswerLost = fate === "is not answered";
      if (fate === "is late") this.#late = () => server.write(bytes);
      if (fate === "is lost" || fate === "is late") client.destroy();
      else server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (isAnswerLost) client.destroy();
      else if (!client.destroyed) client.write(bytes);
    });
  }
}
