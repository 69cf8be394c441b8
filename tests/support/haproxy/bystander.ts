/** A HAProxy that nobody touches: how long it lets a client wait is what the machine does to all of them. */
import { connectPlain } from "../clients/connection.ts";
import { freePort } from "../machine/free_port.ts";
import { TempFolder } from "../machine/temp_folder.ts";
import { startHaproxy } from "./bare.ts";
import { waitFor } from "../wait.ts";

export class Bystander extends TempFolder {
  readonly port = freePort();
  readonly #process: Deno.ChildProcess;

  /** One that answers. */
  static async answering(): Promise<Bystander> {
    const bystander = new Bystander();
    const connect = () => connectPlain(bystander).then((connection) => connection.close());
    await waitFor("the bystander", () => connect().then(() => true, () => false));
    return bystander;
  }

  private constructor() {
    super();
    const configuration = this.write(
      "haproxy.cfg",
      `defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m

frontend page
    bind 127.0.0.1:${this.port}
    http-request return status 200 content-type text/plain string "bystander"
`,
    );
    this.#process = startHaproxy("-db", "-f", configuration);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await super[Symbol.asyncDispose]();
  }
}
