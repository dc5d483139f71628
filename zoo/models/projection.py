"""Words as vectors, learned from what stands around them: skip-gram and the bag of words (CBOW), with negative sampling."""

import keras
from keras import ops

from zoo.models.many_to_one import Pooling

GIVEN, ASKED = "given", "asked"  # the layers that hold the two tables of vectors


def projection(words, width=100):
    """Two tables of vectors, and the product of one vector of each.

        h = mean of E[g] over the given words g,   s(a) = h · U[a] for each word a that is asked for

    Skip-gram is given the middle word and asked for one of those around it; CBOW is given all of those around and asked for the
    middle one. E has the words' projections, U how they look as an answer. Number 0 is no word: it fills up short bags, and
    changes nothing.

    Arguments:
        words: how many numbers of words there are, with that of no word.
        width: of a vector.

    Returns:
        A keras.Model of two arrays of integers, given (batch, any) and asked (batch, any) -> scores of the latter (batch, any).

    Source: Mikolov, Chen, Corrado & Dean, "Efficient estimation of word representations in vector space", 2013; Mikolov,
    Sutskever, Chen, Corrado & Dean, "Distributed representations of words and phrases and their compositionality", 2013.
    """
    given, asked = (keras.Input((None,), dtype="int32", name=f"{name}_words") for name in (GIVEN, ASKED))
    small = keras.initializers.RandomUniform(-0.5 / width, 0.5 / width)
    h = keras.layers.Embedding(words, width, small, mask_zero=True, name=GIVEN)(given)
    h = Pooling("mean", name="bag")(h)
    u = keras.layers.Embedding(words, width, "zeros", name=ASKED)(asked)
    return keras.Model([given, asked], keras.layers.Dot((1, 2), name="scores")([h, u]), name="projection")


@keras.saving.register_keras_serializable(package="zoo")
def negative_sampling(labels, scores):
    """The loss of each row: −log σ(s₀) − Σₖ log σ(−sₖ), s₀ of the word that is there, sₖ of words that were drawn.

    Where it is least, and a word is drawn with probability q, s = log P(word | given) − log(k q(word)) (Levy & Goldberg 2014).

    Arguments:
        labels: (batch, 1 + k), 1 for the word that is there, 0 for those drawn.
        scores: (batch, 1 + k).

    Returns:
        (batch,), nats.
    """
    return ops.sum(ops.softplus(scores) - ops.cast(labels, scores.dtype) * scores, axis=-1)


def tables(model):
    """The two tables of a model of `projection`, E and U, (words, width) each, as arrays."""
    return tuple(ops.convert_to_numpy(model.get_layer(name).embeddings) for name in (GIVEN, ASKED))
