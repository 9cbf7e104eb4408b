// Elements shorter than 32 bits fill registers: one wide value where there would be several vectors, as many points an iteration.
// RUN: %tegula compile %s --arch avx2 --dtype u8 --emit plan | FileCheck %s --check-prefix=BYTES
// RUN: %tegula compile %s --arch avx2 --dtype bf16 --emit plan | FileCheck %s --check-prefix=HALVES
// RUN: %tegula compile %s --arch avx2 --dtype f32 --emit plan | FileCheck %s --check-prefix=WORDS
// RUN: %tegula compile %s --arch avx2 --dtype u8 --emit asm | FileCheck %s --check-prefix=ASM
// BYTES: x32 *1: store
// HALVES: x16 *2: store
// WORDS: x8 *4: store
// ASM: vpmaxub {{.*}}%ymm
kernel greater<T: u8 | bf16 | f32>(in T A[N], in T B[N], out T C[N])
{
    grid (i in N) C[i] = max(A[i], B[i]);
}
