"""Golden arrays for the resampler, made by the libraries that it must equal.

python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

Sources are a formula (`source`, the same as in the test), so that no input is stored. Small results are stored whole, one after
the other in `arrays.bin.gz`; large ones of exact arithmetic by their SHA-256. `cases.json` says what is where.
"""
import gzip
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import PIL
import torch
from PIL import Image

HERE = Path(__file__).parent
cv2.ipp.setUseIPP(False)  # OpenCV's own code: Intel's replacement differs by 1 in 4 % of the samples
torch.set_num_threads(1)

SMALL = [((23, 37), (16, 11)), ((23, 37), (40, 61)), ((48, 64), (24, 32)), ((31, 20), (31, 45)), ((9, 13), (30, 5)), ((1, 7), (3, 4))]
LARGE = [((854, 480), (224, 224)), ((480, 854), (384, 384)), ((720, 405), (452, 256))]


def source(height, width):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    mixed = (x * 73 + y * 151 + c * 59) ^ ((x * y * 7) & 0x3FF) ^ ((x // 5 + y // 7) % 2 * 255)
    return (mixed & 255).astype(np.uint8)


def pil(mode):
    return lambda a, h, w: np.asarray(Image.fromarray(a).resize((w, h), mode))


def torch_float(mode, **options):
    def resize(a, h, w):
        x = torch.from_numpy(a).permute(2, 0, 1)[None].float().contiguous()
        return torch.nn.functional.interpolate(x, (h, w), mode=mode, **options)[0].permute(1, 2, 0).contiguous().numpy()

    return resize


def torch_nearest(a, h, w):
    x = torch.from_numpy(a).permute(2, 0, 1)[None].contiguous()
    return torch.nn.functional.interpolate(x, (h, w), mode="nearest")[0].permute(1, 2, 0).contiguous().numpy()


INTERPOLATIONS = {
    "pil-nearest": pil(Image.Resampling.NEAREST),
    "pil-bilinear": pil(Image.Resampling.BILINEAR),
    "pil-bicubic": pil(Image.Resampling.BICUBIC),
    "torch-nearest": torch_nearest,
    "torch-bilinear": torch_float("bilinear", align_corners=False),
    "torch-bicubic": torch_float("bicubic", align_corners=False),
    "torch-bilinear-corners": torch_float("bilinear", align_corners=True),
    "torch-bicubic-corners": torch_float("bicubic", align_corners=True),
    "cv2-cubic": lambda a, h, w: cv2.resize(a, (w, h), interpolation=cv2.INTER_CUBIC),
}


def laplacian(a, levels, min_side):
    """The pyramid of ModularBVQA (`pyramidsGL`): sizes shrink linearly, differences saturate at 0."""
    height, width = a.shape[:2]
    if width < height:
        to_w, to_h = min_side, int(height * min_side / width)
    else:
        to_w, to_h = int(width * min_side / height), min_side
    if min(height, width) <= min_side + levels and height != min_side and width != min_side:
        a = cv2.resize(a, (to_w, to_h), interpolation=cv2.INTER_CUBIC)
    height, width = a.shape[:2]
    steps = levels - 1
    step_w, step_h = int((width - to_w) / steps), int((height - to_h) / steps)
    gaussian, out = a, []
    for i in range(steps):
        blurred = cv2.GaussianBlur(gaussian, (5, 5), 5)
        detail = cv2.subtract(gaussian, blurred)
        out.append(cv2.resize(detail, (width, height), interpolation=cv2.INTER_CUBIC))
        gaussian = cv2.resize(blurred, (width - (i + 1) * step_w, height - (i + 1) * step_h), interpolation=cv2.INTER_CUBIC)
    return np.stack(out)


def main():
    arrays, cases, at = bytearray(), [], 0
    for name, resize in INTERPOLATIONS.items():
        for (h, w), (to_h, to_w) in SMALL:
            result = np.ascontiguousarray(resize(source(h, w), to_h, to_w))
            data = result.astype("<f4").tobytes() if result.dtype == np.float32 else result.tobytes()
            cases.append({"name": name, "from": [h, w], "to": [to_h, to_w], "type": str(result.dtype), "at": at, "bytes": len(data)})
            arrays += data
            at += len(data)
        for (h, w), (to_h, to_w) in LARGE:
            result = np.ascontiguousarray(resize(source(h, w), to_h, to_w))
            if result.dtype == np.uint8:
                cases.append({"name": name, "from": [h, w], "to": [to_h, to_w], "type": "uint8", "sha256": hashlib.sha256(result.tobytes()).hexdigest()})
    pyramids = []
    for h, w in [(60, 47), (41, 73), (854, 480), (30, 50)]:
        min_side = 224 if h > 200 else 32
        result = laplacian(source(h, w), 6, min_side)
        pyramids.append({"from": [h, w], "minSide": min_side, "shape": list(result.shape), "sha256": hashlib.sha256(result.tobytes()).hexdigest()})
    # mtime=0: the same arrays make the same file.
    (HERE / "arrays.bin.gz").write_bytes(gzip.compress(bytes(arrays), 9, mtime=0))
    versions = {"torch": torch.__version__, "pillow": PIL.__version__, "opencv": cv2.__version__, "numpy": np.__version__}
    (HERE / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases, "pyramids": pyramids}, indent=1) + "\n")


if __name__ == "__main__":
    main()
