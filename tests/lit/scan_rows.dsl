// A scan by a function along rows runs a row at a time: lanes of several rows would gather every element that waits for the one before.
// RUN: %tegula compile %s --kernel rows --emit plan --arch avx2 | FileCheck %s --check-prefix=ROWS
// RUN: %tegula compile %s --kernel columns --emit plan --arch avx2 | FileCheck %s --check-prefix=COLUMNS
// ROWS: nest b | n: scan_fn
// COLUMNS: nest b x8 {{.*}}| n: scan_fn
fn affine((f32, f32) p, (f32, f32) q) -> (f32, f32) = (p.0 * q.0, q.0 * p.1 + q.1);
kernel rows(in f32 X[B, N], out f32 Y[B, N], f32 a)
{
    grid (b in B) {
        axis n in N;
        Y[b, n] = scan((a, X[b, n]), n, affine, (1.0, 0.0)).1;
    }
}
kernel columns(in f32 X[N, B], out f32 Y[N, B], f32 a)
{
    grid (b in B) {
        axis n in N;
        Y[n, b] = scan((a, X[n, b]), n, affine, (1.0, 0.0)).1;
    }
}
