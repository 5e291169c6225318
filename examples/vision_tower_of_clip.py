"""The image tower of a CLIP model: which photos have this embedding?

Embeddings are usually stored with unit norm, so the inversion goes through the step `unit`: it
seeks a picture in the same direction. Weights are random, and the model is a small one of
transformers; a trained model is `hf:openai/clip-vit-base-patch32` after `preimage fetch`, or one
of OpenCLIP, `open_clip:ViT-B-32@openai`.
"""

import torch
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

import preimage
from preimage.photo_files import shipped_photos

torch.manual_seed(0)
config = CLIPVisionConfig(
    image_size=128, patch_size=16, hidden_size=96, intermediate_size=192, num_hidden_layers=4,
    num_attention_heads=4, projection_dim=64,
)  # fmt: skip
CLIPVisionModelWithProjection(config).save_pretrained("my-clip")
CLIPImageProcessor(
    size={"shortest_edge": 128}, crop_size={"height": 128, "width": 128}
).save_pretrained("my-clip")

photo = shipped_photos()["coffee"]
embedding = preimage.representation("hf:my-clip/visual_projection|unit")
result = preimage.invert(embedding, photo, seeds=[0, 1])
print(result)
result.grid().save("from_the_embedding.png")

block = preimage.representation("hf:my-clip/vision_model.encoder.layers.1")
preimage.invert(block, photo).grid().save("from_a_block.png")
