#!/bin/bash
# A training by Cutaway as a Slurm job: `sbatch FILE`, from the folder in which its paths hold.
# What stops it (a failure, preemption, the time limit) stops nothing for good: it goes on from its
# last checkpoint, by itself or when the file is submitted again.
#SBATCH --job-name={{ name }}
#SBATCH --nodes={{ sizes.nodes }}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={{ sizes.cpus * processes }}
{% if sizes.gpus %}
#SBATCH --gpus-per-node={{ sizes.gpus }}
{% endif %}
{% if sizes.memory %}
#SBATCH --mem={{ sizes.memory }}G
{% endif %}
#SBATCH --time={{ minutes }}
#SBATCH --output={{ name }}-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
set -uo pipefail

export PATH={{ folder | quoted }}:"$PATH"
export OMP_NUM_THREADS={{ sizes.cpus }}
run={{ run | quoted }}
begin=({{ train | map("quoted") | join(" ") }})
resume=({{ resume | map("quoted") | join(" ") }})
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))

# Two minutes before the end of its time: the processes write a checkpoint and end.
late=
trap 'late=yes; scancel --signal=TERM "$SLURM_JOB_ID"' USR1

code=1
for attempt in 1 2 3; do
  words=("${begin[@]}")
  if [ -e "$run" ]; then words=("${resume[@]}"); fi
  srun --kill-on-bad-exit=1 --cpus-per-task={{ sizes.cpus * processes }} \
    torchrun --nnodes {{ sizes.nodes }} --nproc-per-node {{ processes }} \
    --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID-$attempt" --rdzv-endpoint "$first:$port" \
    -m cutaway "${words[@]}" &
  while wait $!; code=$?; kill -0 $! 2>/dev/null; do :; done  # a signal ends `wait` early
  if [ "$code" -eq 0 ]; then exit 0; fi
  if [ -n "$late" ]; then exec scontrol requeue "$SLURM_JOB_ID"; fi
  if [ ! -e "$run" ]; then exit "$code"; fi  # it has not begun: nothing to go on with
done
exit "$code"
