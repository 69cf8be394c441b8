/** What a browser, and the status itself, let pages of other sites do to the status. */
import assert from "node:assert/strict";
import { installed, testNeeding } from "../../support/needs.ts";
import { route, type Views } from "../../../lib/status/routes.ts";
import { waitFor } from "../../support/wait.ts";
import { Browser } from "../../support/clients/browser.ts";
import { Scene } from "./http/listening.ts";

const VIEW = { width: 800, height: 600, scheme: "light" } as const;

const SECRET = "what only operators see";

/** The status with the reload endpoint, and its answers. */
async function serveStatus() {
  const answers: string[] = [];
  let reloads = 0;
  const views: Views = {
    health: () => ({ isOk: true }),
    readiness: () => ({ isOk: true }),
    metrics: () => Promise.resolve(""),
    report: () => ({ SECRET }),
    page: () => `<title>${SECRET}</title>`,
    reload: () => Promise.resolve({ isTried: ++reloads > 0, isOk: true, report: {} }),
  };
  const scene = await Scene.open({
    respond: async (request, gone) => {
      const response = await route(request, views, { names: [], gone });
      answers.push(`${request.method} ${request.path} ${response.status}`);
      return response;
    },
  });
  assert(scene.address.tag === "tcp");
  return { scene, answers, reloads: () => reloads, port: scene.address.port };
}

/** Tries everything that a page can, and then shows what it could read as its title. */
const attackOn = (origin: string) =>
  `<title>trying</title><script>(async () => {
  const read = (init, path) => fetch("${origin}" + path, init).then((one) => one.text(), () => "");
  const got = [
    await read({ method: "POST", mode: "no-cors" }, "/reload"),
    await read({ method: "POST" }, "/reload"),
    await read({}, "/status"),
    await read({}, "/"),
  ];
  document.title = "got " + got.join("");
})()</script>
<form method="POST" action="${origin}/reload"></form>
<iframe src="${origin}/"></iframe>`;

testNeeding([installed("chromium")], "pages of other sites in a browser", async ({ step }) => {
  await using browser = await Browser.start();
  for (
    const [page, target] of [
      ["http://localhost", "http://localhost"],
      ["http://evil.test", "http://localhost"],
      ["http://evil.test", "http://evil.test"],
    ] as const
  ) {
    await step(
      `one of ${page} at another port reads nothing of ${target} and reloads nothing`,
      async () => {
        const status = await serveStatus();
        await using _status = status.scene;
        await using evil = await Scene.open({
          respond: () =>
            Promise.resolve({
              status: 200,
              contentType: "text/html",
              body: attackOn(`${target}:${status.port}`),
            }),
        });
        assert(evil.address.tag === "tcp");
        await using tab = await browser.open(`${page}:${evil.address.port}/`, VIEW);
        const title = () => tab.evaluate<string>("document.title");
        await waitFor("the end of what it tries", async () => (await title()).startsWith("got"));
        assert.doesNotMatch(await title(), new RegExp(SECRET));
        await tab.evaluate("document.forms[0].submit()");
        await waitFor(
          "the form",
          () => status.answers.filter((one) => /^POST/.test(one)).length > 2,
        );
        assert.deepEqual(status.answers.filter((one) => / 200$/.test(one)), []);
        assert.equal(status.reloads(), 0);
      },
    );
  }

  await step("a name that leads here shows its user nothing, and an address all", async () => {
    const { scene, port } = await serveStatus();
    await using _scene = scene;
    for (
      const [host, isShown] of [["evil.test", false], ["127.0.0.1", true], ["localhost", true]]
    ) {
      await using tab = await browser.open(`http://${host}:${port}/`, VIEW);
      assert.equal(await tab.evaluate("document.title") === SECRET, isShown, `${host}`);
    }
  });

  await step("browsers write other forms of an address as the one that is known", async () => {
    const { scene, port } = await serveStatus();
    await using _scene = scene;
    for (const host of ["0x7f.1", "2130706433", "127.1", "LOCALHOST", "localhost."]) {
      await using tab = await browser.open(`http://${host}:${port}/`, VIEW);
      assert.equal(await tab.evaluate("document.title"), SECRET, host);
    }
  });
});
