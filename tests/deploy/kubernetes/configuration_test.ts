/** A real HAProxy loads the ConfigMap's configuration with the Secret's certificate, and serves both. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { servedTo } from "../../support/clients/tls_client.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { manifestOf } from "./manifests.ts";
import { CONFIGURATION, located, mount } from "./mounted.ts";

Deno.test("haproxy accepts the configuration without a warning", async () => {
  await using folder = new TempFolder();
  const path = mount(folder, { http: freePort(), https: freePort() });
  assert.equal(await problemsOf(path), "");
});

Deno.test("haproxy refuses a certificate whose key is missing", async () => {
  await using folder = new TempFolder();
  const path = mount(folder, { http: freePort(), https: freePort() });
  await Deno.remove(folder.at("certs/tls.key"));
  assert.match(await problemsOf(path), /Private Key.*certs\/tls\./);
});

Deno.test("the wrapper serves it, with the Secret's certificate", async () => {
  await using folder = new TempFolder();
  await using workspace = new Workspace();
  const ports = { http: workspace.port, https: freePort() };
  mount(folder, ports);
  await workspace.replace(located(CONFIGURATION, folder, ports));
  const wrapper = workspace.start();
  await workspace.serves("Hello from HAProxy\n", wrapper);
  const { fingerprint256, validTo } = new X509Certificate(
    manifestOf("Secret").stringData["tls.crt"],
  );
  await waitFor("TLS", async () => await servedTo(ports.https) === fingerprint256);
  assert.ok(new Date(validTo) > new Date("2100-01-01"));
});

async function problemsOf(path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("haproxy", {
    args: ["-c", "-dW", "-f", path],
  }).output();
  return success ? "" : [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
}
