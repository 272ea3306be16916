#!/usr/bin/env bash
# Evaluates the stages of m1-nano, writes its card (tables, the gain of reinforcement over three seeds, accuracy against thinking budget, quantised weights), and puts weights and reports in their place.
# Usage: bench/m1-nano-card.sh RUNS CARD_FOLDER [PROGRAM [ARGUMENT...]]
#   RUNS         what 'minimax train reproduce m1-nano --out RUNS' made, and beside it rl-seed-2 and rl-seed-3:
#                minimax train rl --recipe m1-nano --model RUNS/sft-2/checkpoints/step-... --out RUNS/rl-seed-2 --seed 2
#   CARD_FOLDER  has preface.md; gets card.md, budget.png, quantised.md and the reports of the stages; models/m1-nano and models/m1-nano-long get the weights in f16
# An evaluation that is there already in RUNS/evaluations is not made again.
set -euo pipefail
runs=$(realpath "$1")
card=$(realpath "$2")
shift 2
cd "$(dirname "$0")/.."
minimax=("$@")
[ ${#minimax[@]} -gt 0 ] || minimax=(dotnet run -c Release --project src/Cli --)
here=$runs/evaluations
mkdir -p "$here"

trained="addition:4 subtraction:4 multiplication:3 division:3 arithmetic-chain:4 comparison:4 linear-equation:4 fractions:3 countdown:2 number-sorting:3 letter-counting:3 bracket-completion:3 boolean-expressions:3 web-of-lies:3 calculator/addition:6 calculator/multiplication:6 calculator/division:6"
easier="addition:3 subtraction:3 multiplication:2 division:2 arithmetic-chain:3 comparison:3 linear-equation:3 fractions:2 countdown:1 number-sorting:2 letter-counting:2 bracket-completion:2 boolean-expressions:2 web-of-lies:2"
harder="addition:5 subtraction:5 multiplication:4 division:4 arithmetic-chain:5 comparison:5 linear-equation:5 fractions:4 countdown:3 number-sorting:4 bracket-completion:4 boolean-expressions:4 web-of-lies:4"
curve="addition:4 multiplication:3 division:3 arithmetic-chain:4 linear-equation:4 countdown:1 countdown:2"

model() { printf '%s\n' "$runs/$1"/checkpoints/step-* | tail -1; }
# evaluate NAME MODEL OPTION...: all levels unless the options say --tasks
evaluate() {
  local file=$here/$1.json model=$2
  shift 2
  [ -s "$file" ] && return
  echo "evaluating $file" >&2
  "${minimax[@]}" tasks evaluate "$model" --language en zh -n 1024 --json "$@" > "$file.tmp"
  mv "$file.tmp" "$file"
}

for stage in pretrain sft sft-2 rl long; do
  sed "s#$runs/#RUNS/#g" "$runs/$stage/report.html" > "$card/$stage.html"
done
for name in m1-nano m1-nano-long; do
  "${minimax[@]}" convert "$runs/$name" "$here/$name" --dtype f16 --force > /dev/null
  cp "$here/$name"/* models/$name/
done

for stage in pretrain sft; do
  evaluate $stage "$(model $stage)" --tasks $trained $easier $harder --count 50
done
for stage in sft-2 rl rl-seed-2 rl-seed-3 long; do
  evaluate "$stage-drawn" "$(model $stage)" --tasks $trained $easier --count 50 --samples 16
  evaluate "$stage" "$(model $stage)" --tasks $harder --count 50
done
"${minimax[@]}" tasks card m1-nano --preface "$card/preface.md" --trained $trained \
  --stage "pretraining=$here/pretrain.json" "SFT 1=$here/sft.json" "SFT 2=$here/sft-2-drawn.json,$here/sft-2.json" "RL=$here/rl-drawn.json,$here/rl.json" "long=$here/long-drawn.json,$here/long.json" \
  --gain-over "SFT 2" --seed-run "$here/rl-drawn.json" "$here/rl-seed-2-drawn.json" "$here/rl-seed-3-drawn.json" --out "$card/card.md"

evaluate budget "$(model rl)" --tasks $curve --count 50 --budget 0 16 32 64 128 256 512 1024 --plot "$card/budget.png"

for type in q8_0 q4_0; do
  [ -s "$here/$type.gguf" ] || "${minimax[@]}" quantize "$(model rl)" "$here/$type.gguf" --type $type > /dev/null
  evaluate $type "$here/$type.gguf" --tasks $trained $easier --count 200
done
evaluate f16 models/m1-nano --tasks $trained $easier --count 200
evaluate f32 "$(model rl)" --tasks $trained $easier --count 200
"${minimax[@]}" tasks card "m1-nano with other weights" --stage "f32=$here/f32.json" "f16=$here/f16.json" "Q8_0=$here/q8_0.json" "Q4_0=$here/q4_0.json" --out "$card/quantised.md"
