// `print` and `assert` of a lifted function: what a branch asserts holds for the points that take it, with or without axes of
// the function's own; a line is printed if some point takes the branch.
// RUN: %tegula run %s --kernel scalars --set N=6 --checked --check --repeat 1 | FileCheck %s --check-prefix=LINE
// RUN: %tegula run %s --kernel rows --set N=6 M=3 --checked --check --repeat 1 | FileCheck %s --check-prefix=LINE
// RUN: %tegula run %s --kernel scalars --set N=4 --checked --check --repeat 1 | FileCheck %s --check-prefix=NONE
// RUN: not %tegula run %s --kernel wrong --set N=6 --checked --repeat 1 2>&1 | FileCheck %s --check-prefix=WRONG
// LINE: n={{.*}}[4]: 4, [5]: 5}
// NONE-NOT: n=
// WRONG: L0908: n > least is false at i = 4: n = 4; n is 4

fn scalar(f32 x, int n, int least) -> f32
{
    f32 s = 0;
    if (n > 3) {
        assert(n > least, "n is {}", n);
        print("n={}", n);
        s = x;
    }
    return s;
}
fn row(f32 x[j], axis j, int n) -> f32
{
    if (n <= 3) return 0;
    assert(n > 3);
    print("n={}", n);
    return sum(x, j);
}
kernel scalars(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = scalar(X[i], i, 3);
}
kernel wrong(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = scalar(X[i], i, 4);
}
kernel rows(in f32 X[N, M], out f32 Y[N])
{
    grid (i in N) {
        axis j in M;
        Y[i] = row(X[i, j], j, i);
    }
}

// A function that is called where no point, or only some, take the branch; and one without an axis of the mask.
// RUN: %tegula run %s --kernel nested --set N=6 M=3 --checked --check --repeat 1 | FileCheck %s --check-prefix=NESTED
// NESTED: check ok
fn limited(int k) -> f32
{
    assert(k > 5);
    return f32(k);
}
fn added(f32 a, f32 b) -> f32
{
    if (a > b) return a + b;
    return b + a;
}
fn outer(f32 x[j], axis j, int n, int k) -> f32
{
    if (n > 100) return limited(k);
    if (n > 2) return reduce(x, j, added, 0.0);
    return -1.0;
}
kernel nested(in f32 X[N, M], out f32 Y[N], int k = 3)
{
    grid (i in N) {
        axis j in M;
        Y[i] = outer(X[i, j], j, i, k);
    }
}
