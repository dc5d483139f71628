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
]
