"""Names of other libraries for the settings of a recipe, and what there is for the rest.

Nothing is accepted under a second name: the table only makes refusals helpful, on the command line
and in Python alike. Nothing heavy is imported here.
"""

from collections.abc import Iterable

from cutaway.errors import nearest
from cutaway.settings import flag

NAMES = {
    "lr": "learning_rate lr_max max_lr lr0 base_lr init_lr learning_rate_init eta",
    "epochs": "epoch n_epoch n_epochs nb_epoch num_epochs max_epoch max_epochs num_train_epochs",
    "batch_size": "bs batch batchsize train_batch_size per_device_train_batch_size",
    "device": "gpu accelerator devices cuda use_cuda",
    "weight_decay": "wd l2 l2_reg",
    "val": "val_split validation_split valid_pct val_size val_fraction validation_fraction valid "
    "validation val_pct",
    "test": "test_split test_size test_pct test_fraction",
    "seed": "seed_everything random_state random_seed manual_seed",
    "precision": "amp use_amp fp16 bf16 mixed_precision half dtype",
    "out": "output output_dir outdir save_dir log_dir logdir save_path default_root_dir run_dir "
    "results_dir",
    "image_size": "img_size imgsz img_sz size input_size resolution resize target_size",
    "pretrained": "weights use_pretrained",
    "patience": "early_stopping early_stop early_stopping_patience",
    "momentum": "mom moms beta1",
    "clip": "gradient_clip_val grad_clip clip_grad clipnorm max_grad_norm",
    "accumulate": "accumulate_grad_batches gradient_accumulation_steps grad_accum",
    "augment": "augmentation augmentations data_augmentation transform transforms tfms aug "
    "item_tfms batch_tfms",
    "schedule": "scheduler lr_scheduler lr_schedule sched lr_scheduler_type",
    "warmup": "warmup_steps warmup_ratio warmup_epochs pct_start",
    "optimizer": "opt optim opt_func solver",
    "label_smoothing": "smoothing",
    "class_weights": "class_weight pos_weight scale_pos_weight sample_weight",
    "sampling": "sampler weighted_sampler oversample oversampling undersampling",
    "focal": "focal_loss focal_gamma gamma",
    "logit_adjust": "logit_adjustment tau",
    "ema": "ema_decay model_ema",
    "freeze": "freeze_backbone freeze_layers",
    "folds": "kfold k_folds n_folds n_splits cv",
    "replicates": "seeds n_seeds num_seeds n_runs num_runs",
    "trials": "n_trials num_trials max_trials n_iter",
    "task": "problem problem_type objective",
    "compile": "torch_compile",
    "quiet": "verbose silent progress_bar enable_progress_bar",
}
"""Our names, and those under which others look for them."""

MODEL_FIRST = (
    "The model comes first, then the data: `cutaway train lenet5 mnist`, or "
    'cutaway.fit("lenet5", "mnist").'
)
ELSEWHERE = {
    "resume resume_from_checkpoint ckpt ckpt_path checkpoint_path last": "Resuming a run is a "
    "command of its own: `cutaway resume RUN`, or cutaway.resume(path).",
    "loss losses loss_func loss_fn criterion": "The task decides what is minimised (`task`: "
    "classify has the cross-entropy, reconstruct the squared error); `label_smoothing`, "
    "`class_weights`, `focal` and `logit_adjust` change it.",
    "num_workers workers n_workers n_jobs pin_memory persistent_workers": "Workers are not needed: "
    "images are decoded once, by all processors, and mapped into memory.",
    "callback callbacks cbs": "Early stopping is `patience`, checkpoints are always written, and "
    "other callbacks are given with callbacks=[...] or --callback package.module:Class.",
    "metric metrics": "All metrics of the task are computed and reported; `monitor` says which "
    "one early stopping watches.",
    "arch architecture backbone model model_name net network": MODEL_FIRST,
    "data dataset data_dir data_path dataset_path train_dir dls": MODEL_FIRST,
    "strategy num_nodes world_size ddp": "A run learns on one device; `replicates`, `folds` and "
    "`vary` train many networks as one job.",
    "logger loggers wandb tensorboard": "Every run writes metrics.jsonl and report.html.",
    "num_classes n_classes classes": "The number of classes comes from the data.",
    "shuffle": "Training images are shuffled in each epoch, as the seed has it.",
    "max_steps iterations n_iter_max": "The length is counted in epochs: `epochs`, and `repeat` "
    "for epochs that show each image several times; of a stream in `steps`.",
    "fast_dev_run limit_train_batches": "Give `epochs` 1 to try a recipe.",
}
"""Names without a setting here, and what there is instead."""

FORMATS = {
    "bfloat16": "16 16-mixed bf16 bf16-mixed bf16-true fp16 float16 half mixed",
    "float32": "32 32-true fp32 float full",
}
"""Our floating-point formats, and what others call them."""


def hint(word: str, known: Iterable[str], flags: bool = False) -> str:
    """Advice about a setting that is not known, to append to a sentence.

    Args:
        word: as it was written, with or without `--`.
        known: the settings that there are.
        flags: whether to write them as options of a command.
    """
    name, known = word.lstrip("-").replace("-", "_").lower(), list(known)
    for words, sentence in ELSEWHERE.items():
        if name in words.split():
            return f" {sentence}"
    shown = flag if flags else str
    for ours, words in NAMES.items():
        if name in words.split() and ours in known:
            return f" Did you mean '{shown(ours)}'?"
    nearest_name = nearest(shown(name), map(shown, known))
    return " See --help." if flags and nearest_name.startswith(" Choose") else nearest_name
