"""The words of `--help`: ours, and printed without importing anything heavy. Description, blank line, example."""

from __future__ import annotations

TEXTS = {
    "help": """
harness: evaluate language models on the providers' batch APIs, at half the price of ordinary calls.

usage: python -m harness [command] [words]

  [run] [overrides]     run an experiment (the default); -m sweeps over models, templates, settings
  plan [overrides]      the run that would happen: requests, rules, batches, cost range; reads no key, calls nothing
  resume RUN            go on after a crash, Ctrl-C or reboot; answers a question that stopped the run
  status [RUN]          where each batch stands
  cancel RUN            cancel at the provider, then collect what was answered
  report RUN...         rebuild results, scores and report from the provider's own bytes
  score RUN [task...]   judge the answers anew with other scorers, schema or extraction; calls nothing
  check RUN EXPR...     exit 1 unless every expression holds, such as 'score>=0.8'
  clean RUN             delete what the run left at the provider
  doctor [overrides]    do key, endpoint and permissions work; what of ours lies at the provider; --clean deletes it
  init DIR              a new project folder that runs at once; never overwrites
  emulator              serve OpenAI's batch API on this machine: no key, no network, no money
  schema NAME           the JSON Schema of a file that we write: plan, metadata, results, summary

Every command has --help with an example. Overrides are Hydra's: model=o3-mini batch.size=500 task.dataset.limit=20

exit codes
  0   every request has a final outcome, and coverage holds
  1   `check` does not hold
  2   refused before anything was sent: a line per mistake, no folder left
  3   stopped, resumable: Ctrl-C, money, access, a question, attempts used up, --detach, --once not done;
      `doctor` found that something does not work
  4   finished below batch.min_coverage
  70  a bug, with traceback

example
  python -m harness model=o3-mini
""",
    "run": """
Run an experiment: render the prompts, send the batches, wait, check and score every answer.

usage: python -m harness [run] [--detach] [-m] [overrides]

  --detach        submit what may fly at one time, then leave (exit 3); `resume` goes on
  -m              sweep: one run per combination of comma-separated values, all in flight at once
  --cfg job       print the composed configuration and leave
  --config-dir X  a further folder of configuration

groups: task model provider endpoint batch executor experiment (python -m harness --info shows where they come from)
Without endpoint=live everything goes to the emulator on this machine and costs nothing.

example
  python -m harness model=o3-mini task.dataset.limit=20
  python -m harness -m model=o3-mini,gpt-4o-mini generate.temperature=0
  python -m harness model=gpt-4o-mini endpoint=live
""",
    "plan": """
Show the run that would happen. Nothing is written, no key is read, nothing is called.

usage: python -m harness plan [--format terminal|markdown|json] [-m] [overrides]

example
  python -m harness plan model=o1-mini
  python -m harness plan --format json model=o3-mini batch=large > plan.json
""",
    "resume": """
Go on with a run after a crash, Ctrl-C or reboot, or with your answer to the question that stopped it.

example:
  python -m harness resume outputs/2026-11-23/14-05-09-sentiment-o3-mini
  python -m harness resume RUN --adopt 0003=batch_68f0c0de     that batch at the provider is this one
  python -m harness resume RUN --resend 0003                   send it again; it may be paid twice
  python -m harness resume RUN --once batch.poll.max=60s       one look, for a scheduler
""",
    "status": """
Say where runs stand, from their journals. Nothing is called.

example:
  python -m harness status
  python -m harness status outputs/2026-11-23/14-05-09-sentiment-o3-mini
""",
    "cancel": """
Cancel a run's batches at the provider, then collect what was answered until then.

example:
  python -m harness cancel outputs/2026-11-23/14-05-09-sentiment-o3-mini
""",
    "report": """
Rebuild results, scores and report of runs from the provider's own bytes. Nothing is called.
With --format csv or parquet, one table of all results: a line per request, the runs side by side.

example:
  python -m harness report RUN --format csv
  python -m harness report RUN1 RUN2 --format parquet --out both.parquet
  python -m harness report outputs/2026-11-23/14-05-09-sentiment-o3-mini
""",
    "score": """
Judge the answers of a run anew, with another schema, extraction or scorers. Nothing is called; the old results stay.

Schema and your own scorers are read from the project where it has them, else from the run's copies.
May change: task.schema task.extract task.scorers task.unscored task.epochs.reducer task.epochs.k

example:
  python -m harness score RUN
  python -m harness score RUN task.extract=anywhere task.scorers.accuracy.ignore_case=true
  python -m harness score RUN ~task.scorers.overlap 'task.scorers.mine={kind: mine, answer: label}'
""",
    "check": """
Hold a finished run against expressions: any number of summary.json, `score` for the headline, `cost` for the bill.

example:
  python -m harness check RUN 'score>=0.8' 'coverage>=0.99' 'outcomes.refused<=3' --simulated
""",
    "clean": """
Delete the files that a run left at the provider. What lies in the run's folder stays.

example:
  python -m harness clean outputs/2026-11-23/14-05-09-sentiment-o3-mini
""",
    "doctor": """
Say, without a paid request, whether key, endpoint and permissions work, and which of our files and batches lie at the
provider: orphaned ones first (no run folder under outputs/ has their key), then those of finished runs, then the rest.

usage: python -m harness doctor [provider=P] [model=M] [endpoint=live] [--clean]

  --clean   after showing them, delete those that nobody needs: of finished runs all that carries their key (what was
            answered is in their folders), of orphaned ones the inputs; nothing while a batch of the run is under way

No batch is cancelled, no answer is deleted that may lie nowhere else, and nothing without a run key of ours is touched.
Without endpoint=live the emulator is what is looked at. With provider= alone no model is asked for.
exit codes: 0 all that was tried works; 2 a setting or the key is missing; 3 something fails at the provider.

example
  python -m harness doctor provider=groq endpoint=live
  python -m harness doctor model=gpt-4o-mini endpoint=live --clean
""",
    "init": """
Begin a project: a task with templates, schema and ten samples, an experiment, a scorer of your own, a README.
Files that are there already are never overwritten: then nothing is written.

example:
  python -m harness init tickets && cd tickets && python -m harness
""",
    "schema": """
Print the JSON Schema of a file that we write.

example:
  python -m harness schema results > results.schema.json
""",
}
