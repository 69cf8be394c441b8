/** The image on a base with musl instead of glibc: Debian's busybox and musl stand in for Alpine. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { installed, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { build, compilingBase, Container, containers, output } from "./podman.ts";

const ROOT = join(import.meta.dirname!, "../../..");
const BASE = "docker.io/library/haproxy:stand-in-alpine";

/** The base is made of Debian's packages. */
const PACKAGES = "busybox-static musl";

const NEEDS = [
  ...await containers([await compilingBase()]),
  installed("dpkg-deb"),
  { missing: await whyNotDownloaded() },
];

testNeeding(
  NEEDS,
  "on an alpine base the executable finds its own glibc, and musl does not",
  async () => {
    await using folder = new TempFolder();
    const [, tag] = (await makeBase(folder.path)).split(":");
    const name = "localhost/haproxy-reload-wrapper:stand-in-alpine";
    const image = await build(name, ["--build-arg", `HAPROXY_TAG=${tag}`, ROOT]);
    assert.match(
      await answer(image, ["--version"]),
      /haproxy-reload-wrapper \d.*\nDeno \d.*\nbusybox as haproxy/,
    );
    await answer(image, ["--check"], { exitCode: 5 });
    const options = ["--entrypoint", "/lib/ld-musl.so.1"];
    const args = ["--list", "/usr/local/bin/haproxy-reload-wrapper"];
    assert.match(
      await answer(image, args, { exitCode: 127, options }),
      /Error loading shared library libgcc_s\.so\.1: No such file/,
    );
  },
);

/** Only an attempt tells whether the mirror can be reached. */
async function whyNotDownloaded(): Promise<string | null> {
  await using folder = new TempFolder();
  return await output(["sh", "-c", `cd ${folder.path} && apt-get download -qq ${PACKAGES}`])
    .then(() => null, () => `needs apt-get to download ${PACKAGES}`);
}

async function answer(
  image: string,
  args: readonly string[],
  { exitCode = 0, options = [] }: {
    readonly exitCode?: number;
    readonly options?: readonly string[];
  } = {},
): Promise<string> {
  await using container = new Container({ image, options, args });
  assert.equal(await container.exitCode, exitCode, container.output);
  return container.output;
}

/** As on Alpine: the loader in /lib, its search path, a shell, and no glibc anywhere. */
async function makeBase(folder: string): Promise<string> {
  const script = `set -e
    cd ${folder}
    apt-get download -qq ${PACKAGES}
    for package in *.deb; do dpkg-deb -x $package unpacked; done
    mkdir -p tree/bin tree/lib tree/etc tree/tmp tree/usr/local/sbin tree/usr/local/etc/haproxy
    chmod 1777 tree/tmp
    cp unpacked/bin/busybox tree/bin/ 2>/dev/null || cp unpacked/usr/bin/busybox tree/bin/
    ln -s busybox tree/bin/sh
    cp -L $(find unpacked -name libc.so -path '*musl*') tree/lib/ld-musl.so.1
    echo /lib:/usr/local/lib:/usr/lib > tree/etc/ld-musl-$(uname -m).path
    printf '%s\\n' '#!/bin/sh' '[ "$1" = -v ] && exec echo busybox as haproxy' 'exit 5' > tree/usr/local/sbin/haproxy
    chmod 755 tree/usr/local/sbin/haproxy
    touch tree/usr/local/etc/haproxy/haproxy.cfg
    printf '%s\\n' 'FROM scratch' 'COPY tree /' 'ENV PATH=/usr/local/sbin:/usr/local/bin:/bin' 'USER 99' > Dockerfile`;
  await output(["sh", "-c", script]);
  return await build(BASE, [folder]);
}
