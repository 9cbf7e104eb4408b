// Without registers for masks the last vector of a row begins earlier, at points that have been stored before: stores are under a mask only in
// rows shorter than a vector. Not where a point must have one turn.
// RUN: %tegula compile %s --arch avx2 --kernel twice --emit llvm | FileCheck %s --check-prefix=TWICE
// RUN: %tegula compile %s --arch avx2 --kernel once --emit llvm | FileCheck %s --check-prefix=WHOLE
// RUN: %tegula compile %s --arch avx512 --kernel twice --emit llvm | FileCheck %s --check-prefix=ONCE
// TWICE-NOT: and i64 {{.*}}, -8
// TWICE-COUNT-5: store <8 x float> {{.*}}align 4{{$}}
// TWICE: call {{.*}}@llvm.masked.store
kernel twice(in f32 X[M, N], out f32 Y[M, N])
{
    grid (m in M, n in N) Y[m, n] = X[m, n] * 2;
}
// WHOLE: and i64 {{.*}}, -8
// WHOLE-COUNT-5: store <8 x float> {{.*}}align 4{{$}}
// WHOLE-NOT: store <8 x float> {{.*}}align 4{{$}}
// WHOLE: call {{.*}}@llvm.masked.store
// ONCE-COUNT-4: store <{{8|16}} x float> {{.*}}align 4{{$}}
// ONCE-NOT: store <{{8|16}} x float> {{.*}}align 4{{$}}
// ONCE: call {{.*}}@llvm.masked.store
kernel once(inout f32 X[M, N])
{
    grid (m in M, n in N) X[m, n] = X[m, n] * 2;
}
