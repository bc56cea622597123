(** Spectral norms of matrices, Lipschitz constants of compositions, and what a residual says of a solution.

    The book takes from linalg.operator-norm that a norm is attained at a unit vector. Here a number is at or above the
    spectral norm if |A x| is at most that number times |x| for every x, which needs no such vector. *)

From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coq Require Fin.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors LinearAlgebra.
Close Scope matrix_scope.
Open Scope R_scope.

Definition act {m n} (A : matrix m n) (x : vector n) : vector m := fun i => total (fun j => A i j * x j).
Definition spectral {m n} (A : matrix m n) (bound : R) := forall x, norm (act A x) <= bound * norm x.

Lemma act_times {k m n} (A : matrix k m) (B : matrix m n) x : act (A * B)%M x = act A (act B x).
Proof.
  apply functional_extensionality. intros i. unfold act, times.
  transitivity (total (fun j => total (fun l => A i l * B l j * x j))).
  { apply total_ext. intros j. rewrite Rmult_comm, <- total_scale. apply total_ext. intros l. ring. }
  rewrite total_exchange. apply total_ext. intros l. rewrite <- total_scale. apply total_ext. intros j. ring.
Qed.

Lemma act_plus {m n} (A B : matrix m n) x : act (A + B)%M x = (act A x + act B x)%V.
Proof.
  apply functional_extensionality. intros i. unfold act, plus, add. rewrite <- total_plus. apply total_ext. intros j. ring.
Qed.

Lemma act_minus {m n} (A B : matrix m n) x : act (A - B)%M x = (act A x - act B x)%V.
Proof.
  apply functional_extensionality. intros i. unfold act, minus, sub. rewrite <- total_minus. apply total_ext. intros j. ring.
Qed.

Lemma act_unit {n} (x : vector n) : act 1%M x = x.
Proof. apply functional_extensionality. intros i. apply total_pick. Qed.

Lemma act_sub {m n} (A : matrix m n) x y : act A (x - y)%V = (act A x - act A y)%V.
Proof.
  apply functional_extensionality. intros i. unfold act, sub. rewrite <- total_minus. apply total_ext. intros j. ring.
Qed.

(** linalg.adjoint *)
Lemma adjoint {m n} (A : matrix m n) x y : inner y (act A x) = inner (act (transpose A) y) x.
Proof.
  unfold inner, act, transpose.
  transitivity (total (fun i => total (fun j => A i j * y i * x j))).
  { apply total_ext. intros i. rewrite <- total_scale. apply total_ext. intros j. ring. }
  rewrite total_exchange. apply total_ext. intros j. rewrite Rmult_comm, <- total_scale. apply total_ext. intros i. ring.
Qed.

(** Mirrors [norm.product]. *)
Theorem norm_product (k m n : nat) (A : matrix k m) (B : matrix m n) (left right : R) :
  0 <= left -> spectral A left -> spectral B right -> spectral (A * B)%M (left * right).
Proof.
  intros positive first second x. rewrite act_times. specialize (first (act B x)). specialize (second x).
  assert (left * norm (act B x) <= left * (right * norm x)) by now apply Rmult_le_compat_l. lra.
Qed.

(** Mirrors [norm.sum]. *)
Theorem norm_sum (m n : nat) (A B : matrix m n) (left right : R) :
  spectral A left -> spectral B right -> spectral (A + B)%M (left + right).
Proof.
  intros first second x. rewrite act_plus. specialize (first x). specialize (second x).
  pose proof (triangle (act A x) (act B x)). lra.
Qed.

(** Mirrors [norm.frobenius]. *)
Theorem norm_frobenius (m n : nat) (A : matrix m n) (frobenius : R) :
  sqrt (total (fun i => total (fun j => A i j * A i j))) <= frobenius -> spectral A frobenius.
Proof.
  intros covered x. set (square := total (fun i => total (fun j => A i j * A i j))) in *.
  assert (0 <= square) by (apply total_nonnegative; intros i; apply total_nonnegative; intros j; nra).
  assert (0 <= sqrt square) by apply sqrt_pos. pose proof (norm_nonnegative x).
  apply Rle_trans with (sqrt square * norm x); [|now apply Rmult_le_compat_r].
  apply norm_le_of_square; [now apply Rmult_le_pos|].
  replace (sqrt square * norm x * (sqrt square * norm x)) with ((sqrt square * sqrt square) * (norm x * norm x)) by ring.
  rewrite sqrt_sqrt, norm_square, Rmult_comm by assumption. unfold square. rewrite <- total_scale. apply total_le. intros i.
  pose proof (cauchy_schwarz_square (A i) x) as row. unfold inner at 1 2 3 in row. unfold act. lra.
Qed.

(** Mirrors [norm.gram]: G stands for A'A, the rounding of the product in e. *)
Theorem norm_gram (m n : nat) (A : matrix m n) (G : matrix n n) (gram rounding : R) :
  spectral G gram -> spectral (transpose A * A - G)%M rounding -> spectral A (sqrt (gram + rounding)).
Proof.
  intros computed rounded x. pose proof (norm_nonnegative x).
  assert (bound : inner (act A x) (act A x) <= (gram + rounding) * (norm x * norm x)).
  { rewrite adjoint, <- act_times. replace (transpose A * A)%M with (G + (transpose A * A - G))%M by entries.
    rewrite act_plus, inner_add. specialize (computed x). specialize (rounded x).
    assert (inner (act G x) x <= norm (act G x) * norm x) by apply cauchy_schwarz.
    assert (inner (act (transpose A * A - G)%M x) x <= norm (act (transpose A * A - G)%M x) * norm x) by apply cauchy_schwarz.
    assert (norm (act G x) * norm x <= gram * norm x * norm x) by now apply Rmult_le_compat_r.
    assert (norm (act (transpose A * A - G)%M x) * norm x <= rounding * norm x * norm x) by now apply Rmult_le_compat_r. lra. }
  destruct (Rle_lt_dec 0 (gram + rounding)) as [real|negative].
  - assert (0 <= sqrt (gram + rounding)) by apply sqrt_pos. apply norm_le_of_square; [now apply Rmult_le_pos|].
    replace (sqrt (gram + rounding) * norm x * (sqrt (gram + rounding) * norm x))
      with ((sqrt (gram + rounding) * sqrt (gram + rounding)) * (norm x * norm x)) by ring.
    now rewrite sqrt_sqrt.
  - rewrite sqrt_neg_0 by lra. rewrite Rmult_0_l. apply norm_le_of_square; [lra|].
    assert (0 <= norm x * norm x) by nra. nra.
Qed.

(** Lipschitz maps between spaces of any dimensions. *)
Definition lipschitz {m n} (f : vector m -> vector n) (bound : R) := forall x y, norm (f x - f y)%V <= bound * norm (x - y)%V.

(** Mirrors [lipschitz.product]. *)
Theorem lipschitz_product (k m n : nat) (f : vector m -> vector n) (g : vector k -> vector m) (outer inner : R) :
  0 <= outer -> lipschitz f outer -> lipschitz g inner -> lipschitz (fun x => f (g x)) (outer * inner).
Proof.
  intros positive first second x y. specialize (first (g x) (g y)). specialize (second x y).
  assert (outer * norm (g x - g y)%V <= outer * (inner * norm (x - y)%V)) by now apply Rmult_le_compat_l. lra.
Qed.

(** Mirrors [lipschitz.residual-block]. *)
Theorem lipschitz_residual_block (n : nat) (g : vector n -> vector n) (inner : R) :
  lipschitz g inner -> lipschitz (fun x => (x + g x)%V) (1 + inner).
Proof.
  intros branch x y. specialize (branch x y).
  replace ((x + g x) - (y + g y))%V with ((x - y) + (g x - g y))%V by coordinates.
  pose proof (triangle (x - y)%V (g x - g y)%V). lra.
Qed.

(** ** Linear equations with a definite matrix *)

Definition symmetric {n} (A : matrix n n) := transpose A = A.
Definition definite {n} (A : matrix n n) (mu : R) := forall x, mu * (norm x * norm x) <= inner x (act A x).

(** Mirrors [solve.error]. Symmetry is not needed here. *)
Theorem solve_error (n : nat) (A : matrix n n) (x solution v : vector n) (residual definiteness : R) :
  0 < definiteness -> definite A definiteness -> act A solution = v ->
  norm (v - act A x)%V <= residual -> norm (x - solution)%V <= residual / definiteness.
Proof.
  intros positive strong solved small. rewrite norm_sub_sym. apply Rle_div_r; [assumption|]. rewrite Rmult_comm.
  apply Rle_trans with (norm (v - act A x)%V); [|exact small].
  apply distance_from_pairing. rewrite <- solved, <- act_sub, inner_sym. apply strong.
Qed.

(** Mirrors [solve.energy-error]. *)
Theorem solve_energy_error (n : nat) (A : matrix n n) (x solution v : vector n) (residual definiteness : R) :
  0 < definiteness -> definite A definiteness -> act A solution = v ->
  norm (v - act A x)%V <= residual ->
  sqrt (inner (x - solution)%V (act A (x - solution)%V)) <= residual / sqrt definiteness.
Proof.
  intros positive strong solved small. assert (root : 0 < sqrt definiteness) by now apply sqrt_lt_R0.
  assert (0 <= residual) by (eapply Rle_trans; [apply (@norm_nonnegative n) | exact small]).
  set (e := (x - solution)%V).
  assert (image : norm (act A e) = norm (v - act A x)%V) by (unfold e; rewrite act_sub, solved; apply norm_sub_sym).
  pose proof (solve_error n A x solution v residual definiteness positive strong solved small) as near. fold e in near.
  assert (energy : inner e (act A e) <= residual * residual / definiteness).
  { apply Rle_trans with (norm e * norm (act A e)); [apply cauchy_schwarz|].
    replace (residual * residual / definiteness) with (residual / definiteness * residual) by (field; lra).
    apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | exact near | rewrite image; exact small]. }
  rewrite <- (sqrt_square (residual / sqrt definiteness)) by (apply Rmult_le_pos; [assumption | apply Rlt_le; now apply Rinv_0_lt_compat]).
  apply sqrt_le_1_alt. replace (residual / sqrt definiteness * (residual / sqrt definiteness))
    with (residual * residual / (sqrt definiteness * sqrt definiteness)) by (field; lra).
  now rewrite sqrt_sqrt by lra.
Qed.

(** Mirrors [solve.functional]. *)
Theorem solve_functional (n : nat) (A : matrix n n) (x solution v u : vector n) (functional residual definiteness : R) :
  0 < definiteness -> definite A definiteness -> act A solution = v ->
  norm u <= functional -> norm (v - act A x)%V <= residual ->
  Rabs (inner u x - inner u solution) <= functional * residual / definiteness.
Proof.
  intros positive strong solved given small. rewrite <- inner_sub_r.
  eapply Rle_trans; [apply cauchy_schwarz_abs|]. unfold Rdiv. rewrite Rmult_assoc. fold (residual / definiteness).
  apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | exact given | now apply solve_error with A v].
Qed.

(** Mirrors [solve.dual-corrected]. *)
Theorem solve_dual_corrected (n : nat) (A : matrix n n) (x solution v u y : vector n) (dual_residual residual definiteness : R) :
  0 < definiteness -> symmetric A -> definite A definiteness -> act A solution = v ->
  norm (u - act A y)%V <= dual_residual -> norm (v - act A x)%V <= residual ->
  Rabs (inner u solution - (inner u x + inner y (v - act A x)%V)) <= dual_residual * residual / definiteness.
Proof.
  intros positive same strong solved dual small.
  replace (inner u solution - (inner u x + inner y (v - act A x)%V)) with (inner (u - act A y)%V (solution - x)%V).
  2: { rewrite <- solved, <- act_sub, adjoint, same, inner_sub, !inner_sub_r. ring. }
  eapply Rle_trans; [apply cauchy_schwarz_abs|]. unfold Rdiv. rewrite Rmult_assoc. fold (residual / definiteness).
  apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | exact dual |].
  rewrite norm_sub_sym. now apply solve_error with A v.
Qed.

(** Mirrors [solve.approximate-inverse]. That A is invertible follows: two solutions are at distance 0. *)
Theorem solve_approximate_inverse (n : nat) (A M : matrix n n) (solution v : vector n) (correction defect : R) :
  0 < 1 - defect -> spectral (1 - M * A)%M defect -> act A solution = v ->
  norm (act M (v - act A (act M v))%V) <= correction ->
  norm (act M v - solution)%V <= correction / (1 - defect).
Proof.
  intros below near solved small. rewrite norm_sub_sym. set (e := (solution - act M v)%V).
  assert (split : e = (act (1 - M * A)%M e + act M (v - act A (act M v)))%V).
  { rewrite act_minus, act_unit, act_times. unfold e at 3. rewrite act_sub, solved. coordinates. }
  specialize (near e). pose proof (triangle (act (1 - M * A)%M e) (act M (v - act A (act M v))%V)) as way.
  rewrite <- split in way. apply Rle_div_r; [assumption|]. lra.
Qed.
