"""Small problems that show what recurrence is for: a rule learned on short sequences that holds for long ones, and a memory."""

from zoo.registry import Entry, Weights

ENTRIES = [
    Entry(
        name="adder",
        pattern="many-to-many",
        title="Adds numbers of any length, having learned with 8 bits",
        teaches="a rule learned on short sequences that holds for long ones: a few units that keep the carry, where a network "
        "without recurrence needs weights and samples for each length anew, and fails at one bit more",
        task="zoo.tasks.bits:Adder",
        arguments={"cell": "elman", "units": 8, "recipe": {"learning_rate": 0.02}},
        metric="share of 10,000 sums of 64-bit numbers with a wrong bit, beside MLPs that see both numbers at once",
        reference="Elman 1990, Finding structure in time (the network); Cleeremans, Servan-Schreiber & McClelland 1989, Finite "
        "state automata and simple recurrent networks",
        notebook="adder.ipynb",
        weights={"elman": Weights(data="zoo.data.bits:adder", dataset="additions")},
    ),
    Entry(
        name="parity",
        pattern="many-to-many",
        title="Are the ones of a word odd? Learned with 10 bits, right with 1,000",
        teaches="one bit of memory, turned over by each one that is read; how many weights and samples a network without "
        "recurrence needs for it, by length",
        task="zoo.tasks.bits:Parity",
        arguments={"cell": "elman", "units": 8, "recipe": {"learning_rate": 0.02}},
        metric="share of 10,000 words of 1,000 bits whose parity is wrong, beside MLPs that see the whole word at once",
        reference="Elman 1990, Finding structure in time, whose first experiment is the exclusive or in time; Minsky & Papert "
        "1969, Perceptrons (parity)",
        notebook="parity.ipynb",
        weights={"elman": Weights(data="zoo.data.bits:parity", dataset="parities")},
    ),
    Entry(
        name="pattern-gap",
        pattern="many-to-one",
        title="A bit kept over a gap of 200 distracting steps",
        teaches="what it takes to remember: gradients that reach back over the gap, gates that keep, and why a network without "
        "them stays at chance; the adding problem and copy memory beside it",
        task="zoo.tasks.bits:Latch",
        arguments={
            "cell": "lstm",
            "units": 16,
            "memory": 200,
            "recipe": {"learning_rate": 0.01, "batch_size": 64, "epochs": 12, "patience": 12},
        },
        metric="share of 10,000 cases in which the first bit is not known any more 200 steps later; chance is one half",
        reference="Bengio, Simard & Frasconi 1994, Learning long-term dependencies with gradient descent is difficult; "
        "Hochreiter & Schmidhuber 1997, Long short-term memory; Tallec & Ollivier 2018 (the gates' first biases)",
        notebook="pattern-gap.ipynb",
        weights={"lstm": Weights(data="zoo.data.gaps:pattern", dataset="gaps")},
    ),
]
