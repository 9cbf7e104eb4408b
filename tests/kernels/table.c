/* The kernels of the standard library and of tests/corpus, one row each. The first case of a row also runs with other block
 * sizes and other layouts of its tensors, the first two run for every type, the last ones are
 * large enough for several blocks and threads. Sizes are primes, 1, one more or less than a
 * block, and 0. */
#include "tests/kernels/kernels.h"

#define ROW(FILE, NAME, FUNCTION) .file = FILE, .kernel = #NAME, .reference = ref_##FUNCTION

#define FFT4_CASES "B=3 N=16|B=5 N=64 sign=1|B=1 N=1|B=2 N=4|B=0 N=16|B=2 N=256"

#define CONV_CASES                                                   \
    "N=2 H=7 W=6 C=3 R=3 S=3 K=5 P=7 Q=6 pad=1|"                     \
    "N=1 H=9 W=11 C=17 R=3 S=2 K=4 P=4 Q=5 stride=2|"                \
    "N=1 H=9 W=8 C=2 R=3 S=3 K=3 P=7 Q=6 pad=1 dil=2|"               \
    "N=1 H=5 W=5 C=1 R=1 S=1 K=1 P=5 Q=5|"                           \
    "N=1 H=8 W=7 C=4 R=3 S=3 K=35 P=3 Q=3 stride=3 pad=1|"           \
    "N=2 H=5 W=4 C=0 R=3 S=3 K=4 P=3 Q=2|"                           \
    "N=0 H=7 W=6 C=3 R=3 S=3 K=5 P=7 Q=6 pad=1|"                     \
    "N=2 H=6 W=5 C=3 R=2 S=2 K=0 P=5 Q=4|"                           \
    "N=1 H=20 W=21 C=40 R=3 S=3 K=70 P=20 Q=21 pad=1|"               \
    "N=2 H=11 W=13 C=19 R=1 S=1 K=37 P=11 Q=13 moved|"               \
    "N=1 H=20 W=21 C=40 R=3 S=3 K=70 P=20 Q=21 pad=1 moved|"         \
    "N=1 H=30 W=27 C=3 R=7 S=7 K=33 P=15 Q=14 stride=2 pad=3 moved"

#define KERNEL(NAME, FILE, FIELDS) \
    {.file = #FILE, .kernel = #NAME, .is_std = true, .std = TG_STD_##NAME, FIELDS},
#define REF(function)     .reference = function,
#define PREPARE(function) .prepare = function,
#define TYPES(text)       .types = text,
#define FILLS(text)       .fills = text,
#define BLOCKS(text)      .blocks = text,
#define SCHEDULES(text)   .schedules = text,
#define CASES(...)        .cases = __VA_ARGS__,
#define LITERALS          .literals = true,
#define ESTIMATE          .estimate = true,
#define DOC(text)
#define FLOPS(formula)
#define BYTES(formula)
#define ERROR(class)
#define GRAD(row)
#define VIA(function)
#define INDEPENDENT
#define POINTWISE

/* clang-format off */
const kernel_row kernel_rows[] = {
#include "stdlib/stdlib.def"
    /* ---- elementwise, softmax, products ---- */
    {ROW("a_basic", add, add), .types = "f32 bf16 f16 i32 c32 f64 u8",
     .cases = "N=37|N=1|N=0|N=129 strided|N=1000|N=100003"},
    {ROW("a_basic", softmax, softmax), .types = "f32 bf16 f16", .fills = "X=-5:5",
     .schedules = "i = 2; vector(j) = 8|i = 3; vector(j) = 1|vector(i) = 4|vector(j) = 32",
     .cases = "M=5 N=37|M=3 N=130 strided|M=1 N=1|M=0 N=4|M=4 N=0|M=2 N=1031|M=7 N=5003"},
    {ROW("a_basic", softmax_online, softmax), .types = "f32 bf16", .fills = "X=-5:5",
     .blocks = "i j",
     .cases = "M=5 N=37|M=3 N=130 strided|M=1 N=1|M=0 N=4|M=4 N=0|M=2 N=1031|M=7 N=5003"},
    {ROW("a_basic", gemm, gemm), .types = "f32 bf16 f16 f64", .blocks = "m n k",
     .schedules = "split(k) = 3|split_atomic(k) = 4; m = 16|split(k) = 300; n = 8; reg(m) = 2|"
                  "k = 5; pack(B) = false|pack(A) = false; pack(B) = false; m = 30; k = 128|k = 16; pack(B) = true; pack(A) = true; reg(m) = 3|"
                  "m = 7; n = 40; k = 33|reg(m) = 4; reg(n) = 16; m = 10|reg(m) = 1; reg(n) = 16|reg(n) = 16; reg(m) = 5; vector(n) = 8|"
                  "vector(m) = 8|pack(A) = true; pack(B) = true|order = (n, m); m = 16; n = 32|order = (n, m, k); vector(m) = 16; pack(A) = true",
     .cases = "M=37 N=29 K=41 act=true alpha=0.5|M=17 N=65 K=16 -bias|M=1 N=1 K=1|"
              "M=97 N=63 K=33|M=5 N=7 K=9 strided|M=0 N=5 K=3|M=5 N=0 K=3|M=5 N=7 K=0|"
              "M=31 N=64 K=127 -bias act=true|M=1 N=100 K=50|M=510 N=530 K=67|"
              "M=3 N=5 K=9001 -bias"},
    {ROW("a_basic", bmm, matmul_batched), .types = "f32 bf16",
     .cases = "B=3 M=13 N=17 K=19|B=1 M=33 N=31 K=7 strided"},
    {ROW("a_basic", moe_gemm, matmul_grouped), .types = "f32 bf16", .fills = "off=sorted:R",
     .prepare = prepare_moe, .blocks = "m n k",
     .cases = "R=53 E=4 K=19 N=37|R=7 E=9 K=33 N=5"},
    {ROW("a_basic", gemm_i8, matmul_i8), .fills = "A=-128:127 B=-128:127 sa=0:0.1 sb=0:0.1",
     .cases = "M=19 N=37 K=43|M=4 N=9 K=64 strided"},
    {ROW("a_basic", gemm_w4, matmul_w4), .types = "bf16 f16", .blocks = "m n k",
     .schedules = "split(k) = 2|split(k) = 40|split_atomic(k) = 3",
     .cases = "M=17 N=23 K=38 KG=3 G=16|M=5 N=33 K=64 KG=2 G=32|M=1 N=1 K=2 KG=1|"
              "M=3 N=4 K=0 KG=0|M=0 N=2 K=4 KG=1|M=7 N=9 K=31 KG=4 G=8|M=70 N=130 K=260 KG=3"},
    {ROW("a_basic", gemm_gptq, gemm_gptq), .fills = "P=0:4294967295",
     .cases = "M=7 N=19 K=40 KG=3 G=16|M=3 N=5 K=13 KG=1|M=1 N=1 K=8 KG=1|M=2 N=3 K=0 KG=0|"
              "M=9 N=33 K=64 KG=2 G=32|M=40 N=130 K=264 KG=3"},
    {ROW("a_basic", gemm_mx, gemm_mx), .fills = "SA=0.25:4 SB=0.25:4 A=-6:6 B=-6:6",
     .cases = "M=7 N=19 K=64|M=1 N=1 K=32|M=5 N=3 K=96|M=2 N=3 K=0|M=0 N=3 K=32|"
              "M=40 N=70 K=320"},
    {ROW("a_basic", block_sparse, block_sparse), .types = "f32 bf16",
     .fills = "row=sorted:Z col=-1:4",
     .cases = "Z=9 S=4 R=5 K=16 N=23 M=20|Z=3 S=3 R=2 K=10 N=1 M=6"},
    /* ---- attention ---- */
    {ROW("b_attention", attention, attention), .types = "f32 bf16",
     .fills = "cq=sorted:TQ ck=sorted:TK",
     .cases = "TQ=13 H=4 D=8 TK=19 G=2 E=5 B=3 scale=0.35 causal=true window=3 dropout=true drop=0.5 seed=5|"
              "TQ=13 H=4 D=8 TK=19 G=2 E=5 B=3 scale=0.35 causal=false -bias"},
    {ROW("b_attention", attention_dense, attention_batch), .types = "f32 bf16", .blocks = "i j",
     .cases = "B=2 H=4 S=13 D=8 G=2 L=19 E=5 scale=0.35 causal=true|"
              "B=1 H=2 S=33 D=16 G=2 L=65 E=16 scale=0.25 causal=false"},
    {ROW("b_attention", attention_bwd, attention_bwd), .types = "f32 bf16",
     .prepare = prepare_attention_bwd,
     .cases = "B=2 H=4 S=13 D=8 G=2 L=19 E=5 scale=0.35 causal=true|"
              "B=1 H=2 S=17 D=4 G=2 L=9 E=4 scale=0.5 causal=false"},
    {ROW("b_attention", paged_decode, paged_decode), .types = "bf16 f16",
     .fills = "table=0:NP-1", .prepare = prepare_paged_decode, .blocks = "j h",
     .cases = "B=3 H=6 D=8 NP=7 PS=4 G=2 MP=5 R=3 scale=0.35|"
              "B=2 H=2 D=4 NP=3 PS=16 G=2 MP=3 R=1 Z=3 scale=0.5"},
    {ROW("b_attention", linear_attention, linear_attention), .types = "f32 bf16",
     .fills = "decay=0.5:0.99", .blocks = "t",
     .cases = "B=2 H=2 L=23 D=8 E=5|B=1 H=1 L=70 D=4 E=4|B=1 H=1 L=1 D=1 E=1|"
              "B=1 H=2 L=0 D=4 E=4|B=0 H=2 L=3 D=4 E=4|B=1 H=2 L=300 D=32 E=32"},
    /* ---- convolutions ---- */
    {ROW("c_conv", conv2d, conv), .types = "f32 bf16",
     .schedules = "split(c) = 2",
     .cases = CONV_CASES},
    {ROW("c_conv", conv2d_dgrad, conv_dgrad), .types = "f32 bf16", .blocks = "h w c k",
     .schedules = "split(k) = 2|split_atomic(k) = 3",
     .cases = CONV_CASES},
    {ROW("c_conv", conv2d_wgrad, conv_wgrad), .types = "f32 bf16",
     .schedules = "split(p) = 3|split_atomic(q) = 2",
     .cases = CONV_CASES},
    {ROW("c_conv", depthwise, depthwise2d), .types = "f32 f16",
     .cases = "N=2 H=7 W=6 C=19 R=3 S=3 P=7 Q=6 pad=1|"
              "N=1 H=9 W=9 C=5 R=3 S=2 P=4 Q=4 stride=2|N=1 H=1 W=1 C=1 R=1 S=1 P=1 Q=1|"
              "N=0 H=7 W=6 C=3 R=3 S=3 P=7 Q=6 pad=1|N=1 H=4 W=4 C=0 R=2 S=2 P=3 Q=3|"
              "N=1 H=40 W=37 C=33 R=3 S=3 P=40 Q=37 pad=1"},
    {ROW("c_conv", maxpool, maxpool), .types = "f32 bf16",
     .cases = "N=2 H=7 W=6 C=19 P=4 Q=3 R=2 stride=2|N=1 H=9 W=9 C=5 P=9 Q=9 R=3 stride=1|"
              "N=1 H=1 W=1 C=1 P=1 Q=1 R=1 stride=1|N=1 H=0 W=3 C=2 P=2 Q=2 R=2 stride=1|"
              "N=0 H=3 W=3 C=2 P=2 Q=2 R=2 stride=1|N=1 H=40 W=37 C=33 P=20 Q=18 R=2 stride=2"},
    {ROW("c_conv", stencil7, stencil7),
     .cases = "X=5 Y=7 Z=19 c0=-6 c1=1|X=1 Y=1 Z=1 c0=0.5 c1=0.25|X=3 Y=0 Z=4 c0=1 c1=1|"
              "X=2 Y=3 Z=65 c0=-6 c1=1 strided|X=20 Y=33 Z=65 c0=-6 c1=1"},
    /* ---- normalisation, losses, embeddings ---- */
    {ROW("d_norm", layer_norm, layer_norm), .types = "f32 bf16",
     .cases = "M=5 N=37|M=3 N=128 strided"},
    {ROW("d_norm", residual_norm, residual_norm), .blocks = "i",
     .cases = "M=5 N=37|M=3 N=128 strided|M=4 N=0|M=0 N=3|M=7 N=1|M=9 N=300"},
    {ROW("d_norm", layer_norm_bwd, layer_norm_bwd), .types = "f32 bf16",
     .fills = "rstd=0.5:1.5", .blocks = "i j",
     .cases = "M=13 N=37|M=33 N=16 strided"},
    {ROW("d_norm", cross_entropy, any_label), .types = "f32 bf16", .fills = "X=-5:5 label=-1:V",
     .cases = "M=7 V=37|M=3 V=130 strided"},
    {ROW("d_norm", cross_entropy_bwd, cross_entropy_bwd), .types = "f32 bf16",
     .fills = "X=-5:5 label=-1:V lse=2:4",
     .cases = "M=7 V=37|M=3 V=130 strided"},
    {ROW("d_norm", embedding, embedding), .types = "f32 bf16", .fills = "ids=-2:V+1",
     .cases = "V=11 D=19 N=23|V=3 D=64 N=5 strided"},
    {ROW("d_norm", embedding_bwd, embedding_bwd), .types = "f32 bf16", .fills = "ids=-2:V+1",
     .blocks = "t d",
     .cases = "V=11 D=19 N=53|V=3 D=64 N=5"},
    {ROW("d_norm", embedding_bwd_sorted, embedding_bwd_sorted), .types = "f32 bf16",
     .prepare = prepare_embedding_bwd_sorted,
     .cases = "V=11 D=19 N=53|V=3 D=64 N=5"},
    {ROW("d_norm", rope, rope), .types = "f32 bf16", .fills = "pos=0:100",
     .cases = "B=2 S=7 H=3 D=16|B=1 S=5 H=2 D=6 base=500"},
    {ROW("d_norm", adamw, adamw), .types = "f32 bf16", .fills = "V=0.1:1",
     .cases = "N=37 lr=0.01 b1=0.9 b2=0.99 eps=0.0001 wd=0.1 c1=0.5 c2=0.25|"
              "N=129 lr=0.1 b1=0.5 b2=0.5 eps=0.01 wd=0 c1=1 c2=1 strided"},
    {ROW("d_norm", dropout, dropout), .types = "f32 bf16",
     .cases = "N=137 p=0.25 seed=7|N=64 p=0.9 seed=123456789012"},
    {ROW("d_norm", batch_norm_stats, batch_norm_stats), .types = "f32 bf16", .blocks = "c",
     .cases = "R=37 C=19|R=128 C=3 strided|R=1 C=1|R=0 C=5|R=5 C=0|R=3001 C=37"},
    /* ---- transforms, scans, order ---- */
    {ROW("e_misc", fft4, fft), .blocks = "b",
     .cases = FFT4_CASES "|B=2 N=1024"},
    {ROW("e_misc", fft_large, fft),
     .cases = "B=2 N=35 P=5 Q=7|B=1 N=64 P=8 Q=8 sign=1|B=1 N=1 P=1 Q=1|B=0 N=6 P=2 Q=3|"
              "B=1 N=17 P=17 Q=1|B=2 N=210 P=14 Q=15"},
    {ROW("e_misc", rfft_post, rfft_post),
     .cases = "B=3 H=16|B=2 H=7|B=1 H=1|B=0 H=4|B=3 H=128"},
    {ROW("e_misc", cumsum, cumsum), .types = "f32 bf16",
     .cases = "M=5 N=37|M=3 N=130 strided"},
    {ROW("e_misc", cumsum_blocked, cumsum), .types = "f32 bf16", .blocks = "i j",
     .cases = "M=5 N=37|M=3 N=130 strided|M=1 N=1|M=0 N=4|M=4 N=0|M=2 N=1031|M=3 N=9001"},
    {ROW("e_misc", segmented_scan, segmented_scan), .prepare = prepare_segmented,
     .cases = "N=137|N=1|N=0|N=1024|N=9001"},
    {ROW("e_misc", mamba, mamba), .types = "f32 bf16", .fills = "A=-1:-0.1", .blocks = "d",
     .cases = "B=2 L=13 D=19 N=4|B=1 L=65 D=3 N=16|B=1 L=1 D=1 N=1|B=1 L=0 D=3 N=4|"
              "B=0 L=3 D=3 N=4|B=2 L=200 D=33 N=16"},
    {ROW("e_misc", row_sort, sort_rows), .types = "f32 bf16 i32 u8 i64",
     .prepare = prepare_ties,
     .cases = "M=5 N=37|M=3 N=128 strided|M=1 N=1|M=0 N=4|M=4 N=0|M=2 N=257|M=3 N=1500"},
    {ROW("e_misc", row_topk, top_k), .types = "f32 u8", .prepare = prepare_ties,
     .cases = "M=5 N=37 K=4|M=3 N=5 K=8"},
    {ROW("e_misc", histogram_u8, bincount), .fills = "X=0:255",
     .cases = "N=1000|N=129 strided"},
    {ROW("e_misc", spmv, spmv), .fills = "row=sorted:Z col=-1:C",
     .schedules = "split(z) = 2|split_atomic(z) = 3",
     .cases = "R=13 Z=57 C=11|R=1 Z=1 C=1|R=5 Z=0 C=3|R=0 Z=4 C=2|R=3 Z=200 C=50 strided|"
              "R=503 Z=3001 C=400"},
    {ROW("e_misc", nbody, nbody), .fills = "mass=0:1",
     .cases = "N=37 eps2=0.01|N=1 eps2=0.5|N=0 eps2=1|N=129 eps2=0.1|N=400 eps2=0.1"},
    {ROW("e_misc", mandelbrot, mandelbrot), .blocks = "y x",
     .cases = "H=13 W=37 x0=-2 y0=-1 step=0.08 limit=30|H=1 W=1 x0=0 y0=0 step=1 limit=7|"
              "H=0 W=5 x0=0 y0=0 step=1 limit=3|H=5 W=67 x0=-2 y0=-1 step=0.5 limit=0|"
              "H=60 W=130 x0=-2 y0=-1 step=0.02 limit=50"},
    {ROW("e_misc", black_scholes, black_scholes), .fills = "S=50:150 X=50:150 T=0.1:2",
     .cases = "N=137 r=0.05 v=0.2|N=1 r=0 v=0.5|N=0 r=0 v=1|N=10007 r=0.05 v=0.2"},
    {ROW("e_misc", kmeans_assign, kmeans_assign),
     .cases = "N=37 D=5 K=11|N=129 D=16 K=33|N=1 D=1 K=1|N=5 D=3 K=0|N=0 D=3 K=4|"
              "N=500 D=32 K=130"},
    {ROW("h_image", median, median), .types = "f32 u8 bf16 i32", .prepare = prepare_special, .blocks = "y x",
     .cases = "H=9 W=37|H=5 W=130 R=2 strided|H=1 W=1|H=2 W=3 R=2|H=0 W=5|H=4 W=0|H=21 W=517|H=3 W=64 R=3"},
    {ROW("h_image", ranks, ranks), .types = "f32 i16 f64", .prepare = prepare_special,
     .cases = "H=9 W=37|H=5 W=130 down=true strided|H=1 W=1|H=0 W=5|H=4 W=0|H=21 W=517"},
    {ROW("h_image", sort_columns, sort_columns), .types = "f32 u8 i64 bf16", .prepare = prepare_special,
     .cases = "N=5 M=37|N=16 M=130 down=true strided|N=1 M=3|N=2 M=9|N=0 M=5|N=13 M=0|N=24 M=517|N=25 M=40|N=26 M=9|N=33 M=70 down=true"},
    {ROW("h_image", limits, limits), .types = "f32 u8",
     .cases = "H=9 W=37 lo=5 hi=30|H=5 W=130 lo=-3 hi=200 strided|H=1 W=1 lo=0 hi=0|H=0 W=5 lo=1 hi=1|H=4 W=0 lo=1 hi=1|"
              "H=21 W=517 lo=9 hi=-1|H=7 W=70 lo=-9223372036854775807 hi=9223372036854775807|"
              "H=7 W=70 lo=9223372036854775807 hi=-9223372036854775807"},
    {ROW("e_misc", transpose, transpose), .types = "f32 c32",
     .cases = "M=13 N=37|M=65 N=33 strided"},
    {ROW("e_misc", concat, concat), .types = "f32 i16",
     .cases = "M=13 N=19 K=5 R=18|M=1 N=65 K=1 R=2 strided"},
    {ROW("e_misc", pad, pad), .types = "f32 i32",
     .cases = "M=5 N=19 P=9 Q=23 top=2 left=3 fill=7|"
              "M=9 N=33 P=4 Q=30 top=-2 left=-1 fill=1 strided"},
    {ROW("e_misc", cholesky, cholesky), .types = "f32 f64", .prepare = prepare_cholesky,
     .cases = "B=3 N=7|B=2 N=16|B=1 N=1|B=0 N=4|B=1 N=19|B=9 N=31"},
    {ROW("e_misc", lu4, lu4), .prepare = prepare_lu4,
     .cases = "B=7|B=1|B=0|B=33|B=1003"},
    {ROW("e_misc", nms, nms), .prepare = prepare_nms,
     .cases = "B=3 N=37 limit=0.3|B=1 N=1 limit=0.5|B=0 N=4 limit=0.5|B=2 N=0 limit=0.5|"
              "B=1 N=100 limit=0.1|B=2 N=300 limit=0.2"},
    {ROW("e_misc", levenshtein, levenshtein), .fills = "A=0:3 C=0:3",
     .cases = "B=3 M=13 N=19|B=1 M=1 N=1|B=0 M=3 N=4|B=2 M=0 N=5|B=2 M=5 N=0|B=1 M=40 N=33|"
              "B=2 M=150 N=200"},
    {ROW("e_misc", compact, compact), .fills = "n=0:0", .serial = true,
     .cases = "N=137|N=1|N=0|N=64|N=10007"},
    {ROW("e_misc", segments, segments), .types = "f32 f64", .fills = "off=sorted:N X=-9:9 W=-9:9",
     .cases = "N=137 S=9|N=1000 S=3 strided|N=1 S=1|N=0 S=4|N=10 S=0|N=500 S=60 reversed|N=5000 S=500"},
    {ROW("e_misc", splat, splat), .types = "f32 f64 i32", .fills = "I=-2:M+1 X=-3:3 Y=-9:9 Z=0:9 W=-9:9", .blocks = "n d",
     .cases = "N=137 D=5 M=7|N=37 D=33 M=4 strided|N=1 D=1 M=1|N=0 D=4 M=3|N=3 D=0 M=2|N=5 D=130 M=3 transposed|N=1000 D=40 M=300"},
    {ROW("e_misc", raw, raw), .prepare = prepare_raw, .finish = finish_raw,
     .cases = "n=37 ld=3|n=1 ld=2|n=0 ld=2|n=129 ld=2|n=10007 ld=3"},
    {ROW("e_misc", grouped_gemm, grouped_gemm), .prepare = prepare_grouped_gemm,
     .finish = finish_grouped_gemm,
     .cases = "G=3 maxm=19 maxn=23|G=1 maxm=1 maxn=1|G=0 maxm=3 maxn=4|G=6 maxm=60 maxn=70"},
    /* ---- grids: lanes along moved and wrapped indices, scans in lanes ---- */
#define GRID_CASES "H=7 W=37|H=3 W=130 strided|H=1 W=1|H=2 W=2|H=0 W=4|H=4 W=0|H=9 W=16|H=5 W=77 transposed|H=6 W=65 reversed|H=33 W=1031"
    {ROW("g_grid", jacobi, jacobi), .types = "f32 bf16 f16 f64", .blocks = "y x", .schedules = "x = 40; vector(x) = 8|vector(x) = 1|y = 3; vector(x) = 32",
     .cases = GRID_CASES},
    {ROW("g_grid", torus, torus), .types = "f32 f64 i32", .fills = "X=-9:9", .blocks = "y x", .cases = GRID_CASES},
    {ROW("g_grid", window, window), .blocks = "y x",
     .cases = "H=7 W=37 R=3 S=3|H=3 W=130 R=5 S=5 strided|H=5 W=5 R=5 S=3|H=9 W=18 R=1 S=7|H=4 W=33 R=3 S=1|H=0 W=4 R=3 S=3|H=4 W=0 R=3 S=3|"
              "H=6 W=65 R=3 S=5 reversed|H=20 W=331 R=3 S=3"},
    {ROW("g_grid", moved, moved), .fills = "X=-9:9", .blocks = "y x",
     .cases = "H=7 W=37 by=3|H=3 W=130 by=-20 strided|H=1 W=1 by=0|H=2 W=9 by=100|H=0 W=4 by=1|H=4 W=0 by=1|H=5 W=300 by=299|H=6 W=65 by=-64 reversed|H=3 W=100 by=-9223372036854775803|H=3 W=100 by=9223372036854775000"},
    {ROW("g_grid", prefixes, prefixes), .types = "f32 f16 i32 u8", .fills = "X=0:9", .schedules = "vector(x) = 8|y = 3; vector(y) = 4|vector(x) = 1",
     .cases = GRID_CASES},
    {ROW("g_grid", turn, turn), .types = "f32 bf16 f16 f64", .blocks = "s h", .literals = true,
     .cases = "B=2 S=5 H=3 D=64|B=1 S=37 H=2 D=32 strided|B=1 S=1 H=1 D=2|B=2 S=0 H=2 D=8|B=1 S=3 H=5 D=20|B=2 S=40 H=8 D=128"},
    {ROW("g_grid", turn_part, turn_part), .types = "f32 bf16 f64", .blocks = "s h d",
     .cases = "S=5 H=3 D=96 E=24|S=3 H=2 D=37 E=16 strided|S=1 H=1 D=2 E=1|S=2 H=2 D=8 E=4|S=2 H=3 D=33 E=0|S=0 H=1 D=8 E=2|S=2 H=2 D=70 E=20 reversed|S=40 H=8 D=130 E=65"},
    {ROW("g_grid", joined, joined), .types = "f32 u8 f64 i32", .fills = "A=0:9 B=0:9", .blocks = "m k",
     .schedules = "k = 40; vector(k) = 8|vector(k) = 1|m = 3; vector(k) = 32",
     .cases = "M=3 P=37 Q=50 at=41|M=2 P=64 Q=64 at=64 strided|M=1 P=1 Q=1 at=0|M=2 P=0 Q=70 at=-3|M=2 P=70 Q=0 at=69|M=0 P=3 Q=3 at=1|"
              "M=3 P=100 Q=31 at=9223372036854775807|M=3 P=31 Q=100 at=-9223372036854775807|M=3 P=50 Q=60 at=17 reversed|M=5 P=700 Q=900 at=1000"},
    {ROW("g_grid", attraction, attraction), .blocks = "i j", .cases = "N=37|N=1|N=0|N=130|N=64 strided|N=300"},
    {ROW("g_grid", groups, groups), .types = "f32 f64 i32", .fills = "X=-9:9 S=-9:9 R=-9:9", .blocks = "m",
     .cases = "M=3 K=100 G=4|M=2 K=32 G=1|M=1 K=1 G=1|M=0 K=5 G=1|M=3 K=0 G=0|M=2 K=130 G=5 strided|M=4 K=1000 G=32"},
    {ROW("g_grid", waves, waves), .types = "f32 bf16", .prepare = prepare_waves,
     .cases = "M=3 N=37|M=1 N=1|M=0 N=4|M=2 N=130 strided|M=5 N=300"},
    /* ---- points of a few elements ---- */
#define PIXEL_CASES "H=7 W=37|H=3 W=131 cropped|H=1 W=1|H=2 W=2|H=0 W=4|H=4 W=0|H=9 W=16|H=4 W=67 strided|H=5 W=77 transposed|H=3 W=70 moved|H=6 W=65 reversed|H=33 W=1031"
    {ROW("j_pixels", recolour, recolour), .types = "f32 u8 i16 f64 i32", .fills = "X=0:9 M=0:9", .blocks = "y x",
     .schedules = "x = 40; vector(x) = 8|vector(x) = 1|y = 3; vector(x) = 64", .cases = PIXEL_CASES},
    {ROW("j_pixels", channels, channels), .types = "f32 u8 i16 f64 i32", .fills = "X=0:9 M=0:9", .blocks = "y x",
     .schedules = "x = 40; vector(x) = 8|c = 1|c = 2; y = 3|vector(c) = 4", .cases = PIXEL_CASES},
    {ROW("j_pixels", quads, quads), .types = "f32 u8 i16 f64 i32", .fills = "X=0:9 A=0:4 C=0:9 V=0:9 S=0:9", .blocks = "i",
     .cases = "N=137|N=64|N=1|N=0|N=331 cropped|N=70 strided|N=41 transposed|N=77 reversed|N=10007"},
    {ROW("j_pixels", partly, partly), .types = "f32 u8 bf16 f64 i32", .fills = "X=0:9 Y=0:9 Z=0:9 W=0:9", .blocks = "i",
     .cases = "N=137|N=64|N=1|N=0|N=331 cropped|N=70 strided|N=41 transposed|N=77 reversed|N=10007"},
    /* ---- whole programs ---- */
    {ROW("i_programs", sobel, sobel), .fills = "X=0:255", .blocks = "y x", .cases = GRID_CASES},
    {ROW("i_programs", heat, heat), .types = "f32 f64",
     .cases = "D=4 H=5 W=37 c=0.125 steps=3|D=3 H=2 W=9 c=0.125 steps=2 strided|D=1 H=1 W=1 c=0.5 steps=1|D=0 H=3 W=3 c=0.125 steps=2|"
              "D=3 H=4 W=17 c=0.125 steps=0|D=9 H=11 W=130 c=0.125 steps=5"},
    {ROW("i_programs", ctc, ctc), .fills = "P=-3:-0.1 label=0:V-1 n_in=0:L n_label=0:U",
     .cases = "B=3 L=11 V=7 U=4|B=2 L=6 V=5 U=0|B=1 L=1 V=2 U=1|B=0 L=3 V=3 U=2|B=5 L=40 V=20 U=21 strided"},
    {ROW("i_programs", deform_conv, deform_conv),
     .cases = "N=2 H=5 W=7 R=3 S=3 C=4 K=9|N=1 H=4 W=3 R=1 S=2 C=5 K=3 strided|N=1 H=1 W=1 R=1 S=1 C=1 K=1|N=0 H=2 W=2 R=3 S=3 C=2 K=2|"
              "N=1 H=4 W=4 R=3 S=3 C=0 K=5|N=1 H=9 W=11 R=3 S=3 C=40 K=37"},
    {ROW("i_programs", chunk_scan, chunk_scan), .fills = "A=-1:-0.1 dt=0:0.3",
     .cases = "B=2 L=37 H=3 P=5 N=4|B=1 L=65 H=2 P=8 N=16 Q=16 strided|B=1 L=1 H=1 P=1 N=1|B=0 L=4 H=2 P=3 N=2|B=1 L=0 H=2 P=3 N=2|B=1 L=128 H=2 P=16 N=32"},
    {ROW("i_programs", crc32, crc32), .fills = "X=0:255 len=0:L",
     .cases = "N=5 L=13|N=37 L=64 strided|N=1 L=1|N=0 L=2|N=3 L=0|N=1000 L=20"},
    {ROW("i_programs", search, search), .fills = "keys=sorted:500 X=-5:505",
     .cases = "N=37 M=130|N=64 M=9 strided|N=1 M=1|N=0 M=3|N=3 M=0|N=1000 M=1031"},
    {ROW("k_searches", viterbi, viterbi), .cases = "S=7 B=3 T=11|S=16 B=2 T=5 strided|S=1 B=1 T=1|S=33 B=1 T=4 transposed|S=5 B=2 T=0|S=0 B=2 T=3|S=4 B=0 T=3|S=64 B=5 T=40"},
    {ROW("k_searches", run_lengths, run_lengths), .fills = "X=0:1", .blocks = "r",
     .cases = "R=5 N=37|R=3 N=64 strided|R=1 N=1|R=0 N=5|R=4 N=0|R=3 N=50 reversed|R=2 N=20 transposed|R=30 N=1031"},
    {ROW("k_searches", route, route), .fills = "bias=0:0.1", .blocks = "t",
     .cases = "T=5 E=64|T=3 E=40 strided|T=1 E=8|T=0 E=16|T=2 E=16 reversed|T=4 E=24 transposed|T=100 E=256"},
    {ROW("k_searches", decode, decode), .fills = "bits=0:4294967295 table=256:2303 n=0:N",
     .cases = "R=5 W=11 N=40|R=3 W=2 N=30 strided|R=1 W=1 N=1|R=0 W=3 N=4|R=2 W=0 N=9|R=2 W=4 N=0|R=3 W=5 N=17 reversed|R=37 W=64 N=300"},
    {ROW("k_searches", beam, beam), .fills = "ended=0:1 logp=-9:0", .blocks = "b",
     .cases = "B=3 W=4 V=37 end=2|B=2 W=5 V=16 end=0 strided|B=1 W=1 V=1 end=0|B=0 W=3 V=5 end=1|B=2 W=3 V=0 end=1|B=4 W=2 V=130 end=7 transposed|"
              "B=2 W=3 V=9 end=99 reversed|B=9 W=8 V=1031 end=3"},
    {ROW("i_programs", nibbles, nibbles), .cases = "M=5 K=77|M=3 K=64|M=1 K=1|M=4 K=0|M=0 K=5|M=2 K=2|M=9 K=1030"},
    /* ---- std/ ---- */
    {ROW("f_std", activations, activations), .types = "f32 bf16 f16", .fills = "X=-2:2",
     .literals = true,
     .cases = "N=37|N=1|N=0|N=130|N=5003"},
    {ROW("f_std", rows, rows), .types = "f32 bf16",
     .cases = "M=5 N=37|M=1 N=2|M=0 N=3|M=3 N=0|M=2 N=257|M=3 N=3001"},
    {ROW("f_std", small, small), .types = "f32 f64",
     .cases = "N=37|N=1|N=0|N=130|N=5003"},
    {ROW("f_std", fft_rows, fft_rows),
     .cases = "B=2 N=35|B=1 N=64|B=1 N=1|B=0 N=6|B=3 N=0|B=2 N=210"},
    {ROW("f_std", fft_const_rows, fft_rows),
     .cases = "B=2 N=35|B=3 N=64|B=1 N=1|B=0 N=6|B=1 N=34|B=2 N=720"},
};
/* clang-format on */
const uint32_t n_kernel_rows = sizeof kernel_rows / sizeof *kernel_rows;
