"""The image tower of a CLIP model: what its blocks and its embedding keep of a photo.

Embeddings are usually stored with unit norm, so the second inversion goes through the step `unit`:
it seeks a picture whose embedding has the same direction. The model is a small one of transformers
with random weights, to which all photos have nearly the same embedding: the picture is gray, and
its low error says nothing. A trained model is `hf:openai/clip-vit-base-patch32` after `preimage
fetch`, or one of OpenCLIP, `open_clip:ViT-B-32@openai`.
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
block = preimage.representation("hf:my-clip/vision_model.encoder.layers.1")
preimage.invert(block, photo).grid().save("from_a_block.png")

embedding = preimage.representation("hf:my-clip/visual_projection|unit")
result = preimage.invert(embedding, photo)
print(result)
result.grid().save("from_the_embedding.png")
