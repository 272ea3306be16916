#!/usr/bin/env bash
# The controlled study of docs/studies/cispo.md: CISPO, DAPO and GRPO from the same weights, prompts and random streams.
# Usage: bench/study-cispo.sh OUT start TASK                    makes the start model of a task (fork, plain) and prints its gates
#        bench/study-cispo.sh OUT arm TASK ARM RATE SEED...     runs an arm (cispo, dapo, grpo) with a learning rate and seeds; finished runs are not run again
#        bench/study-cispo.sh OUT compare TASK TARGET LABEL NAME=ARM@RATE...   compares arms whose runs are there, the first is the baseline: OUT/LABEL.md and its two plots
# JOBS runs at a time, one thread each (default 2); STEPS of a run (default: the recipe's); MEAN_OF evaluations that are compared (default 3). MINIMAX is the program (default: dotnet run in this repository).
set -euo pipefail
out=$(mkdir -p "$1" && realpath "$1")
phase=$2 task=$3
shift 3
cd "$(dirname "$0")/.."
read -ra minimax <<<"${MINIMAX:-dotnet run -c Release --project src/Cli --}"
start=$out/start-$task
model() { printf '%s\n' "$start/start/$task"/checkpoints/step-* | tail -1; }

case $phase in
  start)
    [ -d "$start/checkpoints" ] || "${minimax[@]}" train rl --recipe "study-$task-cispo" --out "$start" --resume --steps 1 --set evaluation_samples=64 --set evaluate_every=1 --threads 1 >&2
    head -1 "$start/metrics.jsonl" | grep -o '"eval/[^,}]*'
    ;;
  arm)
    arm=$1 rate=$2
    shift 2
    printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -I{} sh -c '
      run=$1/$2-$3-$4-seed-$5
      shift 5
      "$@" --out "$run" --resume > "$run.log" 2>&1 || { echo "failed: $run" >&2; tail -2 "$run.log" >&2; exit 255; }' \
      run "$out" "$task" "$arm" "$rate" {} "${minimax[@]}" train rl --recipe "study-$task-$arm" --model "$(model)" --set "learning_rate=$rate" ${STEPS:+--steps "$STEPS"} --threads 1 --seed {}
    ;;
  compare)
    target=$1 label=$2
    shift 2
    arms=() baseline=${1%%=*}
    for arm in "$@"; do
      settings=${arm#*=}
      runs=$(printf '%s\n' "$out/$task-${settings%@*}-${settings#*@}"-seed-*/ | paste -sd,)
      arms+=(--arm "${arm%%=*}=$runs")
    done
    "${minimax[@]}" train compare "${arms[@]}" --baseline "$baseline" --target "$target" --mean-of "${MEAN_OF:-3}" --out "$out/$label.md" \
      --plot "eval/greedy=$out/$label-greedy.png" --plot "entropy=$out/$label-entropy.png"
    ;;
  *) echo "no such phase: $phase" >&2; exit 2 ;;
esac
