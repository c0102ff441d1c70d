#!/usr/bin/env python3
"""Writes keras_optimizers.json: a vector and two matrices after each of ten steps of Keras's optimizers, and their moving
averages, on JAX in float64; and keras_schedules.json: the rates of Keras's schedules at some steps."""
import json
import pathlib

from keras_cases import keras, np, rng

O = keras.optimizers
S = O.schedules
shapes = {"vector": (3,), "matrix": (2, 3), "embedding/table": (3, 2)}
start = {name: rng.uniform(-2, 2, shape).round(3) for name, shape in shapes.items()}
gradients = [{name: rng.uniform(-1, 1, shape).round(3) for name, shape in shapes.items()} for _ in range(10)]
flat = lambda values: [[float(x) for x in np.asarray(v).ravel()] for v in values]
cases = []


def run(call, optimizer, constraint=None, steps=gradients, averages=False, stateless=False):
    variables = [keras.Variable(start[n], dtype="float64", name=n.split("/")[-1]) for n in shapes]
    for v, name in zip(variables, shapes):
        v._path = name
        if constraint:
            v.constraint = constraint
    after = []
    optimizer.build(variables)
    for step in steps:
        given = [np.asarray(step[n]) for n in shapes]
        if stateless:
            values, kept = optimizer.stateless_apply([v.value for v in optimizer.variables], given,
                                                     [v.value for v in variables])
            for v, value in zip(variables + optimizer.variables, list(values) + list(kept)):
                v.assign(value)
        else:
            optimizer.apply(given, variables)
        after.append(flat(variables))
    one = {"call": call, "after": after}
    if averages:
        one["averages"] = flat(optimizer._model_variables_moving_average)
    cases.append(one)


names = "SGD RMSprop Adam AdamW Adamax Nadam Adagrad Adadelta Adafactor Ftrl Lion Lamb Muon".split()
for name in names + ["ScheduleFreeAdamW"]:
    run(name, getattr(O, name)())
run("SGD momentum", O.SGD(0.1, momentum=0.9))
run("SGD nesterov", O.SGD(0.1, momentum=0.9, nesterov=True))
run("RMSprop all", O.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True))
run("Adam amsgrad", O.Adam(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3, amsgrad=True))
run("Adamax all", O.Adamax(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-2))
run("Nadam all", O.Nadam(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-2))
run("Adagrad all", O.Adagrad(0.1, initial_accumulator_value=0.3, epsilon=1e-2))
run("Adadelta all", O.Adadelta(1.0, rho=0.8, epsilon=1e-2))
run("Adafactor all", O.Adafactor(0.2, beta_2_decay=-0.5, epsilon_2=0.1, clip_threshold=0.7))
run("Ftrl all", O.Ftrl(0.1, learning_rate_power=-0.7, initial_accumulator_value=0.2, l1_regularization_strength=0.05,
                       l2_regularization_strength=0.1, l2_shrinkage_regularization_strength=0.2, beta=0.3))
run("Lion all", O.Lion(0.01, beta_1=0.8, beta_2=0.9))
run("Lamb all", O.Lamb(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-2))
run("Muon all", O.Muon(0.02, adam_beta_1=0.8, adam_weight_decay=0.1, weight_decay=0.05, exclude_embeddings=False,
                       adam_lr_ratio=0.1, momentum=0.8, ns_steps=3, nesterov=False, rms_rate=None))
run("ScheduleFreeAdamW all", O.ScheduleFreeAdamW(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-2, warmup_steps=4))
run("weight_decay", O.Adam(0.01, weight_decay=0.1))
excluding = O.AdamW(0.01, weight_decay=0.1)
excluding.exclude_from_weight_decay(var_names=["vec"])
run("excluded", excluding)
run("clipnorm", O.SGD(0.1, clipnorm=0.5))
run("clipvalue", O.SGD(0.1, clipvalue=0.3))
run("global_clipnorm", O.SGD(0.1, global_clipnorm=0.5))
run("loss_scale_factor", O.SGD(0.1, loss_scale_factor=4.0))
run("schedule", O.Adam(S.ExponentialDecay(0.05, 3, 0.7)))
run("constraint", O.SGD(0.3), constraint=keras.constraints.MaxNorm(0.8))
run("ema", O.SGD(0.1, use_ema=True, ema_momentum=0.8), averages=True)
run("ema overwrite", O.Adam(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3), averages=True)
run("accumulation", O.Adam(0.1, gradient_accumulation_steps=3, weight_decay=0.1, clipnorm=0.5))
run("accumulation ema", O.SGD(S.ExponentialDecay(0.1, 2, 0.5), gradient_accumulation_steps=2, use_ema=True,
                              ema_momentum=0.8), averages=True)
broken = [dict(g) for g in gradients]
broken[3] = {n: np.where(g > 0.5, np.inf, g) for n, g in broken[3].items()}
scaler = O.LossScaleOptimizer(O.Adam(0.1), initial_scale=8.0, dynamic_growth_steps=3)
run("LossScaleOptimizer", scaler, steps=broken, stateless=True)
cases[-1]["scale"] = float(scaler.dynamic_scale)
folder = pathlib.Path(__file__).parent
lines = ",\n".join(json.dumps(c) for c in cases)
given = {"names": list(shapes), "start": flat(start.values()), "gradients": [flat(g.values()) for g in gradients]}
(folder / "keras_optimizers.json").write_text(
    '{"versions": {"keras": "%s"}, "shapes": %s, "given": %s, "cases": [\n%s\n]}\n'
    % (keras.__version__, json.dumps([list(s) for s in shapes.values()]), json.dumps(given), lines))

steps = [0, 1, 2, 4, 5, 7, 10, 11, 14, 15, 20, 33, 100]
schedules = {
    "ExponentialDecay": S.ExponentialDecay(0.1, 10, 0.5),
    "ExponentialDecay staircase": S.ExponentialDecay(0.1, 4, 0.5, staircase=True),
    "InverseTimeDecay": S.InverseTimeDecay(0.1, 10, 0.5),
    "InverseTimeDecay staircase": S.InverseTimeDecay(0.1, 4, 0.5, staircase=True),
    "PolynomialDecay": S.PolynomialDecay(0.1, 10),
    "PolynomialDecay 2": S.PolynomialDecay(0.1, 10, end_learning_rate=0.01, power=2.0),
    "PolynomialDecay cycle": S.PolynomialDecay(0.1, 10, end_learning_rate=0.01, cycle=True),
    "PiecewiseConstantDecay": S.PiecewiseConstantDecay([5, 10], [0.1, 0.05, 0.01]),
    "CosineDecay": S.CosineDecay(0.1, 10, alpha=0.1),
    "CosineDecay warm": S.CosineDecay(0.01, 10, alpha=0.2, warmup_target=0.1, warmup_steps=5),
    "CosineDecayRestarts": S.CosineDecayRestarts(0.1, 5),
    "CosineDecayRestarts all": S.CosineDecayRestarts(0.1, 4, t_mul=1.5, m_mul=0.8, alpha=0.1),
    "CosineDecayRestarts even": S.CosineDecayRestarts(0.1, 4, t_mul=1.0, m_mul=0.8),
}
rates = {name: [float(s(np.float64(step))) for step in steps] for name, s in schedules.items()}
(folder / "keras_schedules.json").write_text(
    json.dumps({"versions": {"keras": keras.__version__}, "steps": steps, "rates": rates}, indent=0) + "\n")
