import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { makeCheckpoint } from "../src/audit/checkpoints/checkpoint.ts";
import { generateKeys, parseSignerKey, signNote } from "../src/note.ts";
import { placeLog, sampleFiles, temporaryDirectory } from "./audit/sample-log.ts";

// Where Debian's golang-golang-x-mod-dev puts the sources.
const GOPATH = "/usr/share/gocode";
const hasGo =
  existsSync(join(GOPATH, "src/golang.org/x/mod/sumdb/note/note.go")) && spawnSync("go", ["version"]).status === 0;

/** Opens each note that it is given, as a line of JSON, with the key beside it; answers the text, or why there is none. */
const PROGRAM = `package main

import (
	"encoding/json"
	"os"

	"golang.org/x/mod/sumdb/note"
)

type answer struct{ Text, Problem string }

func open(msg, key string) answer {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return answer{Problem: err.Error()}
	}
	opened, err := note.Open([]byte(msg), note.VerifierList(verifier))
	if err != nil {
		return answer{Problem: err.Error()}
	}
	return answer{Text: opened.Text}
}

func main() {
	var questions []struct{ Note, Key string }
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	answers := []answer{}
	for _, question := range questions {
		answers = append(answers, open(question.Note, question.Key))
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
`;

interface Question {
  readonly note: string;
  readonly key: string;
}

function openInGo(questions: readonly Question[]): { readonly Text: string; readonly Problem: string }[] {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "main.go"), PROGRAM);
  const { stdout, stderr } = spawnSync("go", ["run", "main.go"], {
    cwd: directory,
    encoding: "utf8",
    input: JSON.stringify(questions),
    env: { ...process.env, GO111MODULE: "off", GOPATH, GOFLAGS: "-mod=mod" },
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as { readonly Text: string; readonly Problem: string }[];
}

describe.skipIf(!hasGo)("Go's note.Open (needs go and golang.org/x/mod/sumdb/note)", () => {
  it("opens what we sign, under the keys that we make", { timeout: 120_000 }, async () => {
    const names = ["capfence", "host.example", "Schlüssel", "鍵-1", "a/b:c@d", "x".repeat(256)];
    const texts = ["a\n", "two\nlines\n", "é 😀\n", "a\n\n— x y\n\nb\n"];
    const questions = names.flatMap((name) => {
      const { signer, verifier } = generateKeys(name);
      return texts.map((text) => ({ text, note: signNote(text, parseSignerKey(signer)), key: verifier }));
    });
    const { signer, verifier } = generateKeys("witness");
    const checkpoint = await makeCheckpoint(placeLog((await sampleFiles()).closed), parseSignerKey(signer));
    const text = checkpoint.slice(0, checkpoint.indexOf("\n\n") + 1);
    expect(text.split("\n")[1]).toBe("5");
    const all = [...questions, { text, note: checkpoint, key: verifier }];
    const changed = { note: checkpoint.replace("\n5\n", "\n4\n"), key: verifier };
    const answers = openInGo([...all, changed]);
    expect(answers.slice(0, -1)).toEqual(all.map((each) => ({ Text: each.text, Problem: "" })));
    expect(answers.at(-1)?.Problem).toContain("invalid signature");
  });
});
