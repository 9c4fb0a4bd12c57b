"""A captioner: a convolutional network sees an image, an LSTM says what it shows, word by word.

It is not in the registry, whose tasks have classes, masks or values as targets, and no sentences.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.models.lstm import LSTMCell

Images = Float[Tensor, "b c h w"]


class Encoder(nn.Module):
    """Two convolutions that halve the side, relu(z * u), and features relu(U z) of the whole."""

    def __init__(self, channels: int, size: tuple[int, int], maps: int, features: int):
        super().__init__()
        self.c1 = nn.Conv2d(channels, maps, 4, stride=2, padding=1)
        self.c2 = nn.Conv2d(maps, 2 * maps, 4, stride=2, padding=1)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.U = nn.Linear(2 * maps * (size[0] // 4) * (size[1] // 4), features)
        for u in (self.c1, self.c2, self.U):
            nn.init.kaiming_normal_(u.weight, nonlinearity="relu")  # He et al. 2015
            nn.init.zeros_(u.bias)  # type: ignore[arg-type]

    def forward(self, x: Images) -> Float[Tensor, "b features"]:
        z = self.relu(self.c2(self.relu(self.c1(x))))
        return self.relu(self.U(self.flatten(z)))


class Captioner(nn.Module):
    """P(caption | x) = product over t of P(word_t | word_1 ... word_(t-1), x): an LSTM reads the
    caption so far, and with each word the image's features.

    Source: Vinyals et al. 2015, 'Show and tell', equations 1 to 3, where the image is the first
    word alone; at every word as in Mao et al. 2015. The course's text, section 4.1.2, names
    captions by a CNN and an LSTM.

    Args:
        words: of the vocabulary; word 0 is read first, and ends a caption.
        size: of the images, multiples of 4.
    """

    def __init__(
        self, channels: int, words: int, size: tuple[int, int], maps: int = 16, width: int = 64
    ):
        super().__init__()
        self.encoder = Encoder(channels, size, maps, width)
        self.see = nn.Linear(width, 4 * width, bias=False)
        nn.init.kaiming_normal_(self.see.weight, nonlinearity="relu")
        self.cell = LSTMCell(words, width)
        self.output = nn.Linear(width, words)

    def forward(self, x: Images, words: Float[Tensor, "b t k"]) -> Float[Tensor, "b t k"]:
        """Logits of the word after each of `words`, one-hot, the first of which is word 0."""
        s = self.cell.W(words) + self.see(self.encoder(x))[:, None]
        state, seen = self.cell.begin(words[:, 0]), []
        for t in range(words.shape[1]):
            state = self.cell.step(s[:, t], state)
            seen.append(state[0])
        return self.output(torch.stack(seen, 1))

    @torch.no_grad()
    def describe(
        self, x: Images, longest: int
    ) -> tuple[Int[Tensor, "b longest"], Float[Tensor, "b"]]:
        """The caption of the likeliest word at each place, zeros after its end; and its
        probability, the product of its words'."""
        seen, k = self.see(self.encoder(x)), self.output.out_features
        word = torch.zeros(len(x), dtype=torch.long, device=x.device)
        going, p, said = torch.ones_like(word), seen.new_ones(len(x)), []
        state = self.cell.begin(seen.new_zeros(len(x), k))
        for _ in range(longest):
            one_hot = nn.functional.one_hot(word, k).to(seen.dtype)
            state = self.cell.step(self.cell.W(one_hot) + seen, state)
            likeliest, word = self.output(state[0]).softmax(1).max(1)
            word = word * going
            p = torch.where(going > 0, p * likeliest, p)
            going = going * (word > 0)
            said.append(word)
        return torch.stack(said, 1), p
