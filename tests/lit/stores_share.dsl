// Stores to one tensor share loops where no two of them meet; the square root is taken once.
// RUN: %tegula compile %s --kernel pairs --emit plan --arch avx2 | FileCheck %s --check-prefix=PAIRS
// RUN: %tegula compile %s --kernel overlap --emit plan --arch avx2 | FileCheck %s --check-prefix=OVERLAP
// RUN: %tegula run %s --kernel pairs --set N=37 --check
// RUN: %tegula run %s --kernel overlap --set N=37 --check

// PAIRS: nest i {{.*}}store{{.*}}store
// PAIRS-NOT: nest
kernel pairs(in f32 X[N], out f32 Y[2 * N], out f32 Z[3, N])
{
    grid (i in N) {
        let r = sqrt(exp(X[i]));
        Y[2 * i] = r;
        Y[2 * i + 1] = -r;
        Z[0, i] = r;
        Z[1, i] = r + 1;
        Z[2, i] = r + 2;
    }
}

// The second store may write where the first has written, later: all of the first come before it.
// OVERLAP: nest i {{.*}}: store{{$}}
// OVERLAP-NEXT: nest i {{.*}}: store, store
kernel overlap(in f32 X[N], out f32 Y[1, 2 * N + 2])
{
    grid (each o in 1) {
        axis i in N;
        Y[o, 2 * i] = X[i];
        Y[o, 2 * i + 2] = 3 * X[i];
        Y[o, 2 * i + 1] = 1;
    }
}
