/** The page as a browser shows it: on a phone and on a screen, light and dark. */
import assert from "node:assert/strict";
import { installed, testNeeding } from "../../../support/needs.ts";
import { statusPage } from "../../../../lib/status/page/page.ts";
import { type Tone, type Verdict, verdictOf } from "../../../../lib/status/page/verdict.ts";
import { Browser, type Page, type View } from "../../../support/clients/browser.ts";
import { type SampleName, SAMPLES } from "../samples.ts";

const PHONE = { width: 360, height: 800 } as const;
const SCREEN = { width: 1280, height: 900 } as const;

testNeeding([installed("chromium")], "the page in a browser", async ({ step }) => {
  await using browser = await Browser.start();
  const show = (name: SampleName, view: View) => browser.show(statusPage(SAMPLES[name]), view);

  for (const scheme of ["light", "dark"] as const) {
    const grounds = new Map<Tone, string>();
    for (const name of Object.keys(SAMPLES) as SampleName[]) {
      await step(`${name}, ${scheme}`, async () => {
        await using page = await show(name, { ...PHONE, scheme });
        const verdict = verdictOf(SAMPLES[name]);
        await assertVerdict(page, verdict);
        await assertFits(page);
        await page.evaluate(OPEN_ALL);
        await assertFits(page);
        assert.deepEqual(await page.evaluate(`{${FIND_FAINT}}`), []);
        assert.deepEqual([...page.requests(), ...page.complaints()], []);
        grounds.set(verdict.tone, await page.evaluate(BANNER_GROUND));
      });
    }
    await step(`each of the five tones has a colour of its own, ${scheme}`, () => {
      assert.equal(grounds.size, 5);
      assert.equal(new Set(grounds.values()).size, 5, JSON.stringify([...grounds]));
    });
  }

  await step("where there is room, changes are rows of a table", async () => {
    await using page = await show("eventful", { ...SCREEN, scheme: "light" });
    const heads = await page.evaluate<string>(
      "document.querySelector('.timeline thead').innerText",
    );
    assert.deepEqual(heads.trim().split(/\s+/), ["Time", "Change", "Result", "Took"]);
    assert.ok(await page.evaluate<number>(WIDTH) <= SCREEN.width);
  });

  await step("a long line of the configuration scrolls in its own block", async () => {
    await using page = await show("longPaths", { ...PHONE, scheme: "light" });
    const [inside, outside] = await page.evaluate<[number, number]>(
      "[...document.querySelectorAll('.excerpt')].flatMap((one) => [one.scrollWidth, one.clientWidth])",
    );
    assert.ok(inside > outside, `${inside} in ${outside}`);
    assert.ok(outside <= PHONE.width);
  });

  await step("copied lines of the configuration are lines", async () => {
    await using page = await show("degraded", { ...PHONE, scheme: "light" });
    const text = await page.evaluate<string>("document.querySelector('.excerpt').textContent");
    assert.equal(text.split("\n").length, 8);
    const height = await page.evaluate<number>("document.querySelector('.excerpt').clientHeight");
    assert.ok(height < 9 * 20, `7 lines are ${height} px high`);
  });

  await step("a closed part opens where the address names it", async () => {
    await using page = await show("serving", { ...PHONE, scheme: "light" });
    assert.deepEqual(await page.evaluate(OPEN_PARTS), []);
    await page.follow("document.querySelector('[href=\"?files#files\"]')");
    assert.deepEqual(await page.evaluate(OPEN_PARTS), ["Its files"]);
  });
});

const WIDTH = "document.documentElement.scrollWidth";
const OPEN_ALL = "document.querySelectorAll('details').forEach((one) => one.open = true)";
const OPEN_PARTS =
  "[...document.querySelectorAll('details[open] > summary')].map((one) => one.innerText)";
const BANNER_GROUND = "getComputedStyle(document.querySelector('header')).backgroundColor";

async function assertVerdict(page: Page, { word, sentence }: Verdict): Promise<void> {
  const banner = await page.evaluate<string>("document.querySelector('header').innerText");
  assert.deepEqual(banner.split(/\n+/), [word, sentence]);
  assert.ok((await page.evaluate<string>("document.title")).startsWith(word));
}

async function assertFits(page: Page): Promise<void> {
  const width = await page.evaluate<number>(WIDTH);
  assert.ok(width <= PHONE.width, `found ${width} px, wanted at most ${PHONE.width}`);
}

/** Runs in the page: every element with text of its own whose contrast is less than 4.5. */
const FIND_FAINT = `
  const partsOf = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = partsOf(colour).slice(0, 3).map((part) => part / 255)
      .map((share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return partsOf(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor;
  };
  const contrastOf = (element) => {
    const [dark, light] = [getComputedStyle(element).color, groundOf(element)].map(luminance)
      .sort((one, other) => one - other);
    return (light + 0.05) / (dark + 0.05);
  };
  const hasText = (element) =>
    [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim() !== "");
  [...document.querySelectorAll("body *")]
    .filter((element) => hasText(element) && contrastOf(element) < 4.5)
    .map((element) => element.outerHTML.slice(0, 80) + ": " + contrastOf(element));
`;
