"""Networks of text and sound, of transformers and peft."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from asng_torch import LayerChoice, Repeat, WidthChoice, elastic

from .network import Network, half, heads, hidden, tokens

# of every transformer; some have a residual width besides
WHD = "hidden width, heads, depth"


def _transformers() -> Any:
    import transformers

    library: Any = transformers
    library.logging.set_verbosity_error()
    return library


def _bert_config(kind: str = "BertConfig", **more: Any) -> Any:
    return getattr(_transformers(), kind)(vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
                                          intermediate_size=32, max_position_embeddings=16, **more)


def _bert_layers(layers: Any, residual: WidthChoice | None = None) -> Repeat:
    """Heads, hidden width and depth of BERT's layers, and of those that are written alike."""
    for layer in layers:
        attention, output = layer.attention.self, layer.attention.output
        heads(attention.num_attention_heads, attention.attention_head_size, attention.query, attention.key,
              attention.value, out=output.dense)
        hidden(layer.intermediate.dense, layer.output.dense, layer.intermediate.dense.out_features)
        if residual is not None:
            elastic.convert(output.dense, residual)
            elastic.convert(layer.output.dense, residual)
            elastic.convert(layer)
    return Repeat(list(layers), label="depth")


def bert() -> Any:
    return _transformers().BertModel(_bert_config())


def put_bert(model: Any) -> None:
    residual = WidthChoice([8, 16], label="residual")
    embeddings = model.embeddings
    for table in (embeddings.word_embeddings, embeddings.position_embeddings, embeddings.token_type_embeddings):
        elastic.convert(table, residual)
    elastic.convert(embeddings)
    model.encoder.layer = _bert_layers(model.encoder.layer, residual)
    elastic.convert(model.pooler)


def bert_masked() -> Any:
    """With the output layer tied to the embedding."""
    return _transformers().BertForMaskedLM(_bert_config())


def put_bert_masked(model: Any) -> None:
    model.bert.encoder.layer = _bert_layers(model.bert.encoder.layer)


def electra() -> Any:
    return _transformers().ElectraForTokenClassification(_bert_config("ElectraConfig", embedding_size=8))


def put_electra(model: Any) -> None:
    model.electra.encoder.layer = _bert_layers(model.electra.encoder.layer)


def distilbert() -> Any:
    t = _transformers()
    return t.DistilBertForSequenceClassification(t.DistilBertConfig(
        vocab_size=50, dim=16, n_layers=3, n_heads=2, hidden_dim=32, max_position_embeddings=16))


def put_distilbert(model: Any) -> None:
    for layer in model.distilbert.transformer.layer:
        attention = layer.attention
        heads(2, 8, attention.q_lin, attention.k_lin, attention.v_lin, out=attention.out_lin)
        hidden(layer.ffn.lin1, layer.ffn.lin2, 32)
    model.distilbert.transformer.layer = Repeat(list(model.distilbert.transformer.layer), label="depth")


def gpt2() -> Any:
    """With the output layer tied to the embedding, queries, keys and values in one layer, weights `(in, out)`."""
    t = _transformers()
    return t.GPT2LMHeadModel(t.GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=3, n_head=2))


def put_gpt2(model: Any) -> None:
    for block in model.transformer.h:
        attention, mlp = block.attn, block.mlp
        number, width = WidthChoice([1, 2]), half(64)
        joined, three = elastic.Heads(number, 8), elastic.Heads(number, 8, parts=3)
        elastic.follow(attention, num_heads=number, split_size=joined)
        elastic.follow(attention.c_attn, nf=three, weight={1: three}, bias=three)
        elastic.follow(attention.c_proj, weight={0: joined})
        elastic.follow(mlp.c_fc, nf=width, weight={1: width}, bias=width)
        elastic.follow(mlp.c_proj, weight={0: width})
    model.transformer.h = Repeat(list(model.transformer.h), label="depth")


def t5() -> Any:
    """Encoder and decoder, positions by heads, the embedding tied three times."""
    t = _transformers()
    return t.T5Model(t.T5Config(vocab_size=50, d_model=16, d_kv=4, d_ff=32, num_layers=3, num_heads=4,
                                feed_forward_proj="gated-gelu"))


def put_t5(model: Any) -> None:
    for name in ("encoder", "decoder"):
        stack = getattr(model, name)
        number = WidthChoice([2, 4], label=f"{name}.heads")  # one for all layers, as they share the positions' bias
        for block in stack.block:
            *attentions, feed = block.layer
            for part in attentions:
                attention = getattr(part, "SelfAttention", None) or part.EncDecAttention
                heads(4, 4, attention.q, attention.k, attention.v, out=attention.o, number_choice=number)
                elastic.follow(attention, n_heads=number)
                if attention.has_relative_attention_bias:
                    elastic.convert(attention.relative_attention_bias, number)
            dense, width = feed.DenseReluDense, half(32)
            for layer in (dense.wi_0, dense.wi_1):
                elastic.convert(layer, width)
            elastic.convert(dense.wo)
        stack.block = Repeat(list(stack.block), label=f"{name}.depth")


def t5_inputs() -> tuple[Any, ...]:
    x = torch.randint(2, 50, (2, 7))
    return x, None, x[:, :5]


def _llama(kind: str, **more: Any) -> Any:
    t = _transformers()
    return getattr(t, f"{kind}ForCausalLM")(getattr(t, f"{kind}Config")(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=8,
        num_key_value_heads=4, max_position_embeddings=16, **more))


def llama() -> Any:
    return _llama("Llama")


def qwen2() -> Any:
    return _llama("Qwen2", tie_word_embeddings=True)


def mistral() -> Any:
    return _llama("Mistral", sliding_window=4)


def put_llama(model: Any) -> None:
    residual = WidthChoice([16, 32], label="residual")
    elastic.convert(model.model.embed_tokens, residual)
    elastic.convert(model.lm_head)
    elastic.follow(model.model.norm, weight=residual)
    for layer in model.model.layers:
        attention, mlp, width = layer.self_attn, layer.mlp, half(48)
        heads(4, 4, attention.q_proj, attention.k_proj, attention.v_proj, out=attention.o_proj, each=2)
        for into in (mlp.gate_proj, mlp.up_proj):
            elastic.convert(into, width)
        for back in (attention.o_proj, mlp.down_proj):
            elastic.convert(back, residual)
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            elastic.follow(norm, weight=residual)
    model.model.layers = Repeat(list(model.model.layers), label="depth")


def whisper() -> Any:
    t = _transformers()
    return t.WhisperModel(t.WhisperConfig(
        vocab_size=50, num_mel_bins=8, d_model=16, encoder_layers=3, decoder_layers=3, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=32, decoder_ffn_dim=32, max_source_positions=8,
        max_target_positions=16, pad_token_id=0, decoder_start_token_id=1, bos_token_id=1, eos_token_id=1))


def put_whisper(model: Any) -> None:
    for name in ("encoder", "decoder"):
        stack = getattr(model, name)
        for layer in stack.layers:
            for attention in (layer.self_attn, getattr(layer, "encoder_attn", None)):
                if attention is not None:
                    number, _ = heads(4, 4, attention.q_proj, attention.k_proj, attention.v_proj,
                                      out=attention.out_proj)
                    elastic.follow(attention, num_heads=number)
            hidden(layer.fc1, layer.fc2, 32)
        stack.layers = Repeat(list(stack.layers), label=f"{name}.depth")


def whisper_inputs() -> tuple[Any, ...]:
    return torch.randn(2, 8, 16), None, torch.randint(2, 50, (2, 5))


def vit() -> Any:
    t = _transformers()
    return t.ViTModel(t.ViTConfig(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
                                  image_size=16, patch_size=4), add_pooling_layer=False)


def clip() -> Any:
    t = _transformers()
    return t.CLIPTextModel(t.CLIPTextConfig(vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=3,
                                            num_attention_heads=2, max_position_embeddings=16))


def vae() -> Any:
    """Encoder, quantized code, decoder."""
    t = _transformers()
    return t.JanusVQVAE(t.JanusVQVAEConfig(embed_dim=8, num_embeddings=16, base_channels=32, channel_multiplier=[1, 2],
                                           num_res_blocks=1, latent_channels=32, num_patches=8))


def put_vae(model: Any) -> None:
    """The width within each residual block, in whole groups of its normalization."""
    for block in model.modules():
        if type(block).__name__ == "JanusVQVAEResnetBlock" and block.out_channels == 64:
            elastic.convert(block.conv1, WidthChoice([32, 64]))
            elastic.convert(block.norm2)
            elastic.convert(block.conv2)


def put_layers(layers: Any) -> Repeat:
    """Of what transformers writes alike today."""
    for layer in layers:
        attention = getattr(layer, "attention", None) or layer.self_attn
        out = getattr(attention, "out_proj", None) or attention.o_proj
        heads(2, 8, attention.q_proj, attention.k_proj, attention.v_proj, out=out)
        hidden(layer.mlp.fc1, layer.mlp.fc2, 32)
    return Repeat(list(layers), label="depth")


def put_vit(model: Any) -> None:
    model.layers = put_layers(model.layers)


def put_clip(model: Any) -> None:
    model.encoder.layers = put_layers(model.encoder.layers)


def rwkv() -> Any:
    """A recurrent network."""
    t = _transformers()
    return t.RwkvModel(t.RwkvConfig(vocab_size=50, context_length=8, hidden_size=16, attention_hidden_size=16,
                                    num_hidden_layers=3, intermediate_size=32))


def put_rwkv(model: Any) -> None:
    for block in model.blocks:
        elastic.convert(block.feed_forward.key, half(32))
        elastic.convert(block.feed_forward.value)
    model.blocks = Repeat(list(model.blocks), label="depth")


def mamba() -> Any:
    t = _transformers()
    return t.MambaForCausalLM(t.MambaConfig(vocab_size=50, hidden_size=16, state_size=4, num_hidden_layers=3))


def put_mamba(model: Any) -> None:
    model.backbone.layers = Repeat(list(model.backbone.layers), label="depth")
    for block in model.backbone.layers.blocks:
        block.mixer.act = LayerChoice({"silu": nn.SiLU(), "gelu": nn.GELU()})


def lora() -> Any:
    """peft's LoRA on Llama: the base is frozen, B begins at zero."""
    import peft

    return peft.get_peft_model(_llama("Llama"), peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))


def put_lora(model: Any) -> None:
    layers = model.base_model.model.model.layers
    for layer in layers:
        width = half(48)
        for into in (layer.mlp.gate_proj, layer.mlp.up_proj):
            elastic.convert(into, width)
        elastic.convert(layer.mlp.down_proj)
    model.base_model.model.model.layers = Repeat(list(layers), label="depth")


def images() -> tuple[Any, ...]:
    return (torch.randn(2, 3, 16, 16),)


NETWORKS = [
    Network("BERT", "transformers", f"residual width, {WHD}", bert, put_bert, tokens()),
    Network("BERT, masked language model", "transformers", f"{WHD}; tied weights", bert_masked, put_bert_masked,
            tokens()),
    Network("ELECTRA", "transformers", WHD, electra, put_electra, tokens()),
    Network("DistilBERT", "transformers", WHD, distilbert, put_distilbert, tokens()),
    Network("GPT-2", "transformers", f"{WHD}; tied weights", gpt2, put_gpt2, tokens()),
    Network("T5", "transformers", f"{WHD}, of encoder and decoder; tied weights", t5, put_t5, t5_inputs),
    Network("Llama", "transformers", f"residual width, {WHD}", llama, put_llama, tokens()),
    Network("Qwen2", "transformers", f"residual width, {WHD}; tied weights", qwen2, put_llama, tokens()),
    Network("Mistral", "transformers", f"residual width, {WHD}", mistral, put_llama, tokens()),
    Network("Whisper", "transformers", f"{WHD}, of encoder and decoder", whisper, put_whisper, whisper_inputs),
    Network("ViT", "transformers", WHD, vit, put_vit, images),
    Network("CLIP, text", "transformers", WHD, clip, put_clip, tokens()),
    Network("Janus, VQ-VAE", "transformers", "width within blocks", vae, put_vae, images),
    Network("RWKV, recurrent", "transformers", "hidden width, depth", rwkv, put_rwkv, tokens()),
    Network("Mamba", "transformers", "activations, depth", mamba, put_mamba, tokens()),
    Network("LoRA on Llama", "peft", "hidden width, depth", lora, put_lora, tokens()),
]
