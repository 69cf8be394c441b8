/** The image, built from the Containerfile and run in containers as locked down as possible. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { parse } from "npm:yaml@2.9.1";
import { freePort } from "../../support/machine/free_port.ts";
import { DATAGRAMS, ServiceManager } from "../../support/surroundings/service_manager.ts";
import { COMPILED, EXECUTABLE } from "../../support/wrapper/program.ts";
import { testNeeding } from "../../support/needs.ts";
import { Secured } from "../../support/wrapper/secured.ts";
import { servedTo } from "../../support/clients/tls_client.ts";
import { Volume } from "../../support/surroundings/volume.ts";
import { waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import {
  build,
  compilingBase,
  Container,
  type ContainerOptions,
  containers,
  output,
} from "./podman.ts";

const ROOT = join(import.meta.dirname!, "../../..");
const BASE = `docker.io/library/haproxy:${await defaultTag()}`;

const COMPOSE = join(import.meta.dirname!, "../compose/compose.yaml");

const NEEDS = await containers([BASE, await compilingBase()]);

testNeeding(
  NEEDS,
  "the image builds, and keeps user, stop signal and working directory of its base",
  async () => {
    const image = await configurationOf(await builtImage());
    const base = await configurationOf(BASE);
    for (const name of ["User", "StopSignal", "WorkingDir"]) {
      assert.deepEqual(image[name], base[name], name);
    }
    assert.deepEqual(image.Entrypoint, [
      "/usr/local/bin/haproxy-reload-wrapper",
      "-f",
      "/usr/local/etc/haproxy/haproxy.cfg",
    ]);
    assert.deepEqual(image.Cmd ?? [], []);
    assert.equal(image.Labels["org.opencontainers.image.version"], "1.2.3");
  },
);

const USERS = [
  { who: "the image's own user", options: [] },
  { who: "an arbitrary user", options: ["--user", "12345:54321"] },
] as const;

for (const { who, options } of USERS) {
  testNeeding(
    NEEDS,
    `as ${who}: serves, reloads, refuses and drains with nothing but its rights`,
    async () => {
      await using workspace = new Workspace();
      await using container = await serve(workspace, { options });
      await workspace.replace(workspace.page("two"));
      await workspace.serves("two", container);
      await container.podman("kill", "--signal", "HUP");
      await container.says(/generation 3 serves.*by SIGHUP/);
      await workspace.replace("nonsense\n");
      await container.says(/generation 4 rejected.*generation 3 keeps serving/);
      assert.equal(await workspace.get(), "two");
      using request = await workspace.openRequest();
      const stopped = container.podman("stop", "--time", "30");
      await container.says(/SIGUSR1 received/);
      await waitFor("the listener to close", async () => await workspace.get() === null);
      await request.write(new TextEncoder().encode("\r\n"));
      assert.match(await new Response(request.readable).text(), /two$/);
      await stopped;
      assert.equal(await container.exitCode, 0, container.output);
    },
  );
}

testNeeding(
  NEEDS,
  "a Secret that is renewed is served without a reload, whatever the user",
  async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    const secret = new Volume(join(workspace.path, "secret"));
    await secret.write({ "tls.crt": old.certificate, "tls.key": old.key });
    const global = "ssl-load-extra-del-ext";
    await workspace.replace(workspace.securePage({ bind: "crt /certs/tls.crt", global }));
    const options = ["--user", "12345:54321", "--volume", `${secret.path}:/certs:ro`];
    await using container = await serve(workspace, { options });
    assert.equal(await servedTo(workspace.tlsPort), old.fingerprint, container.output);
    await secret.write({ "tls.crt": next.certificate, "tls.key": next.key });
    await container.says(/certificate "\/certs\/tls.crt" updated in generation 1 without/);
    assert.equal(await servedTo(workspace.tlsPort), next.fingerprint, container.output);
  },
);

testNeeding(NEEDS, "when HAProxy is killed the container ends with its status", async () => {
  await using workspace = new Workspace();
  await using container = await serve(workspace);
  Deno.kill(await container.haproxyPid(), "SIGKILL");
  assert.equal(await container.exitCode, 137, container.output);
});

testNeeding(NEEDS, "the Compose file's health check succeeds while HAProxy serves", async () => {
  await using workspace = new Workspace();
  const { healthcheck } = parse(await Deno.readTextFile(COMPOSE)).services.haproxy;
  const [, ...check] = healthcheck.test as string[];
  const options = ["--env", `HRW_STATUS_LISTEN=127.0.0.1:${freePort()}`];
  await using container = await serve(workspace, { options });
  // podman may warn on stderr.
  assert.match(await container.exec(...check), /^ok$/m);
});

testNeeding([...NEEDS, DATAGRAMS], "podman passes on that HAProxy serves", async () => {
  await using workspace = new Workspace();
  const manager = new ServiceManager(workspace.at("notify"));
  const reading = manager.read();
  const env = { NOTIFY_SOCKET: manager.name };
  await using container = await serve(workspace, { options: ["--sdnotify", "container"], env });
  await waitFor("READY=1", () => manager.assignments.includes("READY=1"), {
    explain: () => container.output,
  });
  manager.close();
  await reading;
});

testNeeding(NEEDS, "further arguments are appended to the entrypoint's", async () => {
  await using workspace = new Workspace();
  const args = ["--log-format", "json", "--check"];
  await using container = new Container(await locked(workspace, { args }));
  assert.equal(await container.exitCode, 0, container.output);
});

testNeeding(
  NEEDS,
  "the command of the official image goes on working behind the entrypoint",
  async () => {
    await using workspace = new Workspace();
    const args = ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"];
    await using container = await serve(workspace, { args });
    assert.equal(await workspace.get(), "one");
    await container.podman("stop", "--time", "30");
  },
);

testNeeding(NEEDS, "without any place to write, it says so and ends with 73", async () => {
  await using workspace = new Workspace();
  await using container = new Container(
    await locked(workspace, { options: ["--mount", "type=tmpfs,destination=/tmp,ro=true"] }),
  );
  assert.equal(await container.exitCode, 73, container.output);
  assert.match(container.output, /cannot make a private folder: .*"\/tmp": Read-only file system/);
});

testNeeding(NEEDS, "a configuration that is mounted as a single file is warned of", async () => {
  await using workspace = new Workspace();
  const mount = `${workspace.configuration}:/usr/local/etc/haproxy/haproxy.cfg:ro`;
  await using container = await serve(workspace, { mount });
  assert.match(container.output, /warning .*haproxy.cfg" is mounted as a single file/);
  await Deno.writeTextFile(workspace.configuration, workspace.page("two"));
  await workspace.serves("two", container);
});

const ownImage = dockerfileIn(await Deno.readTextFile(join(ROOT, "README.md")));
const ownBases = ownImage.flatMap((line) => /^FROM (\S+)/.exec(line)?.slice(1) ?? []);

testNeeding(
  [COMPILED, ...await containers(ownBases)],
  "the executable in an image of one's own works as the README has it",
  async () => {
    await using workspace = new Workspace();
    assert.equal(ownImage.length, 3, ownImage.join("\n"));
    await Deno.writeTextFile(join(workspace.path, "Dockerfile"), ownImage.join("\n"));
    const executable = join(workspace.path, "haproxy-reload-wrapper-linux-amd64");
    await Deno.copyFile(EXECUTABLE, executable);
    const words = ["--file", join(workspace.path, "Dockerfile"), workspace.path];
    const image = await build("localhost/haproxy-reload-wrapper:own", words);
    // That image has no volume, but podman mounts a tmpfs at /tmp.
    await using container = await serve(workspace, { image, options: ["--read-only-tmpfs=true"] });
    await workspace.replace(workspace.page("two"));
    await workspace.serves("two", container);
  },
);

let building: Promise<string> | null = null;

/** The name of the image, built at the first call. */
async function builtImage(): Promise<string> {
  const words = ["--build-arg", "VERSION=1.2.3", ROOT];
  return await (building ??= build("localhost/haproxy-reload-wrapper:test", words));
}

interface LockedOptions extends Partial<ContainerOptions> {
  /** By default the workspace's directory of configurations. */
  readonly mount?: string;
}

/** Read-only but for the image's volumes, and without any capability. */
async function locked(
  workspace: Workspace,
  { mount, options = [], ...more }: LockedOptions,
): Promise<ContainerOptions> {
  const volume = mount ?? `${workspace.configurationDirectory}:/usr/local/etc/haproxy:ro`;
  const locks = ["--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL"];
  const rights = [...locks, "--security-opt", "no-new-privileges", "--volume", volume];
  return { image: await builtImage(), ...more, options: [...rights, ...options] };
}

async function serve(workspace: Workspace, options: LockedOptions = {}): Promise<Container> {
  const container = new Container(await locked(workspace, options));
  await container.says(/generation 1 serves/);
  return container;
}

// deno-lint-ignore no-explicit-any -- as the image specification has it
async function configurationOf(image: string): Promise<any> {
  const words = ["buildah", "inspect", "--type", "image", image];
  return JSON.parse(await output(words)).OCIv1.config;
}

async function defaultTag(): Promise<string> {
  const containerfile = await Deno.readTextFile(join(ROOT, "Containerfile"));
  return /^ARG HAPROXY_TAG=(\S+)$/m.exec(containerfile)![1]!;
}

function dockerfileIn(markdown: string): string[] {
  const [, text = ""] = /^```dockerfile\n(.*?)^```/ms.exec(markdown) ?? [];
  return text.split("\n").filter((line) => line !== "");
}
