// Elements that are counted unlocked, each with a test of its place: four a turn of the loop, and the rest one by one.
// RUN: %tegula compile %s --emit asm --arch avx2 | FileCheck %s
// CHECK-LABEL: histogram_task0:
// CHECK-COUNT-5: {{^[[:space:]]+incl}}
// CHECK-NOT: {{^[[:space:]]+incl}}
// RUN: %tegula run %s --check --repeat 1 --set N=1037 --set B=256 --threads 1 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --check --repeat 1 --set N=3 --set B=100 --threads 1 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel histogram(in u8 X[N], inout i32 H[B])
{
    grid (i in N) atomic H[X[i]] += 1;
}
