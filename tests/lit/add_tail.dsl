// Only the last partial vector is masked: the loop over whole vectors has no mask.
// RUN: %tegula compile %s --emit asm --arch avx512 | %loops | FileCheck %s
// RUN: %tegula compile %s --emit asm --arch avx512 | FileCheck %s --check-prefix=TAIL
// CHECK: loop: fma=0 stack=0 calls=0 masks=0 width=zmm
// TAIL-LABEL: add_task0:
// TAIL: vaddps {{.*}}%zmm
// TAIL: {{%k[1-7]}}
kernel add(in f32 A[N], in f32 B[N], out f32 C[N])
{
    grid (i in N) C[i] = A[i] + B[i];
}
