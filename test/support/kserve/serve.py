"""Serves ONNX files over KServe's Python server (Open Inference Protocol v2, HTTP) for tests.

usage: serve.py PORT NAME=FILE [NAME=FILE ...]
"""

import sys

import onnxruntime
import uvicorn
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

DATATYPES = {"tensor(uint8)": "UINT8", "tensor(float)": "FP32", "tensor(int32)": "INT32"}


class OnnxModel(Model):
    def __init__(self, name: str, file: str):
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.ready = True

    async def get_input_types(self):
        return [described(tensor) for tensor in self.session.get_inputs()]

    async def get_output_types(self):
        return [described(tensor) for tensor in self.session.get_outputs()]

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        wanted = [tensor.name for tensor in self.session.get_outputs()]
        outputs = []
        for name, value in zip(wanted, self.session.run(wanted, feeds)):
            output = InferOutput(name=name, shape=list(value.shape), datatype="FP32")
            output.set_data_from_numpy(value, binary_data=payload.request_outputs is not None)
            outputs.append(output)
        return InferResponse(
            response_id=payload.id or "",
            model_name=self.name,
            infer_outputs=outputs,
            requested_outputs=payload.request_outputs,
        )


def described(tensor):
    shape = [dim if isinstance(dim, int) else -1 for dim in tensor.shape]
    return {"name": tensor.name, "datatype": DATATYPES[tensor.type], "shape": shape}


class LoopbackConfig(uvicorn.Config):
    """KServe listens on every address and has no option for it."""

    def __init__(self, app, host=None, **options):
        super().__init__(app, host="127.0.0.1", **options)


if __name__ == "__main__":
    uvicorn.Config = LoopbackConfig
    port, *models = sys.argv[1:]
    server = ModelServer(http_port=int(port), enable_grpc=False, workers=1)
    server.start([OnnxModel(*model.split("=", 1)) for model in models])
