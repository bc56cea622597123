(** Identities of real matrices of any sizes.

    A matrix is its table of entries and a product is the sum that defines it; the book computes in a free algebra
    of typed words, which is to say that it takes associativity and distributivity for granted. Here they are lemmas. *)

From Coq Require Import Reals Lra FunctionalExtensionality.
From Coq Require Fin.
From Book Require Import Vectors.
Open Scope R_scope.

Definition matrix (m n : nat) := Fin.t m -> Fin.t n -> R.

Definition plus {m n} (A B : matrix m n) : matrix m n := fun i j => A i j + B i j.
Definition minus {m n} (A B : matrix m n) : matrix m n := fun i j => A i j - B i j.
Definition times {k m n} (A : matrix k m) (B : matrix m n) : matrix k n := fun i j => total (fun l => A i l * B l j).
Definition equal {n} (i j : Fin.t n) : R := if Fin.eq_dec i j then 1 else 0.
Definition unit {n : nat} : matrix n n := equal.
Definition multiple (n : nat) (c : R) : matrix n n := fun i j => c * equal i j.
Definition transpose {m n} (A : matrix m n) : matrix n m := fun i j => A j i.

Declare Scope matrix_scope.
Delimit Scope matrix_scope with M.
Bind Scope matrix_scope with matrix.
Notation "A + B" := (plus A B) : matrix_scope.
Notation "A - B" := (minus A B) : matrix_scope.
Notation "A * B" := (times A B) : matrix_scope.
Notation "1" := unit : matrix_scope.
Open Scope matrix_scope.

(** Products are atoms here: what is left is a rule of R in every entry. *)
Ltac entries := apply functional_extensionality; intro; apply functional_extensionality; intro; unfold plus, minus; ring.

Lemma times_assoc {k l m n} (A : matrix k l) (B : matrix l m) (C : matrix m n) : A * B * C = A * (B * C).
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times.
  transitivity (total (fun a => total (fun b => (A i b * B b a * C a j)%R))).
  { apply total_ext. intros a. rewrite Rmult_comm, <- total_scale. apply total_ext. intros b. ring. }
  rewrite total_exchange. apply total_ext. intros b. rewrite <- total_scale. apply total_ext. intros a. ring.
Qed.

Lemma times_plus_l {k m n} (A B : matrix k m) (C : matrix m n) : (A + B) * C = A * C + B * C.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times, plus.
  rewrite <- total_plus. apply total_ext. intros a. ring.
Qed.

Lemma times_plus_r {k m n} (A : matrix k m) (B C : matrix m n) : A * (B + C) = A * B + A * C.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times, plus.
  rewrite <- total_plus. apply total_ext. intros a. ring.
Qed.

Lemma total_minus {n} (f g : Fin.t n -> R) : (total (fun i => f i - g i) = total f - total g)%R.
Proof. induction n as [|n IH]; simpl; [lra|]. rewrite IH. lra. Qed.

Lemma times_minus_l {k m n} (A B : matrix k m) (C : matrix m n) : (A - B) * C = A * C - B * C.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times, minus.
  rewrite <- total_minus. apply total_ext. intros a. ring.
Qed.

Lemma times_minus_r {k m n} (A : matrix k m) (B C : matrix m n) : A * (B - C) = A * B - A * C.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times, minus.
  rewrite <- total_minus. apply total_ext. intros a. ring.
Qed.

Lemma equal_first {n} (j : Fin.t n) : @equal (S n) Fin.F1 (Fin.FS j) = 0%R.
Proof. unfold equal. destruct (Fin.eq_dec Fin.F1 (Fin.FS j)) as [same|]; [discriminate | reflexivity]. Qed.

Lemma equal_next {n} (i j : Fin.t n) : equal (Fin.FS i) (Fin.FS j) = equal i j.
Proof.
  unfold equal. destruct (Fin.eq_dec (Fin.FS i) (Fin.FS j)) as [same|other], (Fin.eq_dec i j) as [same'|other']; try reflexivity.
  - apply Fin.FS_inj in same. contradiction.
  - subst. contradiction.
Qed.

Lemma equal_sym {n} (i j : Fin.t n) : equal i j = equal j i.
Proof. unfold equal. destruct (Fin.eq_dec i j), (Fin.eq_dec j i); congruence. Qed.

Lemma equal_same {n} (i : Fin.t n) : equal i i = 1%R.
Proof. unfold equal. destruct (Fin.eq_dec i i); congruence. Qed.

(** A sum against one row of the unit matrix picks one term. *)
Lemma total_pick {n} (f : Fin.t n -> R) (i : Fin.t n) : total (fun j => (equal i j * f j)%R) = f i.
Proof.
  induction i as [n|n i IH]; simpl.
  - rewrite equal_same, (total_ext _ (fun _ => 0%R)); [rewrite total_zero; ring|]. intros j. rewrite equal_first. ring.
  - rewrite (equal_sym (Fin.FS i)), equal_first, (total_ext _ (fun j => (equal i j * f (Fin.FS j))%R)); [rewrite IH; ring|].
    intros j. now rewrite equal_next.
Qed.

Lemma times_unit_l {m n} (A : matrix m n) : 1 * A = A.
Proof. apply functional_extensionality; intro i. apply functional_extensionality; intro j. exact (total_pick (fun l => A l j) i). Qed.

Lemma times_unit_r {m n} (A : matrix m n) : A * 1 = A.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times.
  rewrite <- (total_pick (fun l => A i l) j). apply total_ext. intros l. unfold unit. rewrite equal_sym. ring.
Qed.

Lemma multiple_commutes {m n} c (A : matrix m n) : multiple m c * A = A * multiple n c.
Proof.
  apply functional_extensionality; intro i. apply functional_extensionality; intro j. unfold times, multiple.
  transitivity (c * A i j)%R.
  - rewrite <- (total_pick (fun l => A l j) i), <- total_scale. apply total_ext. intros l. ring.
  - rewrite <- (total_pick (fun l => A i l) j), <- total_scale. apply total_ext. intros l. rewrite equal_sym. ring.
Qed.

(** Sums of words, each word bracketed to the right. *)
Ltac words := repeat first
  [ rewrite times_plus_l | rewrite times_plus_r | rewrite times_minus_l | rewrite times_minus_r
  | rewrite times_assoc | rewrite times_unit_l | rewrite times_unit_r ].
Ltac words_in H := repeat first
  [ rewrite times_plus_l in H | rewrite times_plus_r in H | rewrite times_minus_l in H | rewrite times_minus_r in H
  | rewrite times_assoc in H | rewrite times_unit_l in H | rewrite times_unit_r in H ].

(** From A B = 1, the rule A (B X) = X for what follows in a word. *)
Lemma cancel {m n k} (A : matrix m n) (B : matrix n m) (X : matrix m k) : A * B = 1 -> A * (B * X) = X.
Proof. intros inverse. now rewrite <- times_assoc, inverse, times_unit_l. Qed.

(** From (S + T) K = 1, the rule T (K X) = X - S (K X). *)
Lemma cancel_plus {m n k} (S T : matrix m n) (K : matrix n m) (X : matrix m k) : (S + T) * K = 1 -> T * (K * X) = X - S * (K * X).
Proof.
  intros inverse. assert (whole : (S + T) * K * X = X) by now rewrite inverse, times_unit_l.
  words_in whole. set (a := S * (K * X)) in *. set (b := T * (K * X)) in *. rewrite <- whole. entries.
Qed.

Lemma cancel_minus {m n k} (S T : matrix m n) (K : matrix n m) (X : matrix m k) : (S - T) * K = 1 -> T * (K * X) = S * (K * X) - X.
Proof.
  intros inverse. assert (whole : (S - T) * K * X = X) by now rewrite inverse, times_unit_l.
  words_in whole. set (a := S * (K * X)) in *. set (b := T * (K * X)) in *. rewrite <- whole. entries.
Qed.

(** Mirrors [matrix.push-through]. *)
Theorem matrix_push_through (m n : nat) (A : matrix n m) (B : matrix m n) (P : matrix m m) (Q : matrix n n) :
  P * (1 + B * A) = 1 -> (1 + A * B) * Q = 1 -> P * B = B * Q.
Proof.
  intros left right. transitivity (P * B * ((1 + A * B) * Q)); [now rewrite right, times_unit_r|].
  transitivity (P * (1 + B * A) * (B * Q)); [words; entries | now rewrite left, times_unit_l].
Qed.

(** Mirrors [matrix.gram]. *)
Theorem matrix_gram (n d : nat) (X : matrix n d) (l : R) (P : matrix d d) (Q : matrix n n) :
  P * (transpose X * X + multiple d l) = 1 -> (X * transpose X + multiple n l) * Q = 1 -> P * transpose X = transpose X * Q.
Proof.
  intros left right. set (Y := transpose X) in *.
  transitivity (P * Y * ((X * Y + multiple n l) * Q)); [now rewrite right, times_unit_r|].
  transitivity (P * (Y * X + multiple d l) * (Y * Q)); [|now rewrite left, times_unit_l].
  words. rewrite <- (times_assoc (multiple d l) Y Q), (multiple_commutes l Y). words. entries.
Qed.

(** Mirrors [matrix.woodbury]. *)
Theorem matrix_woodbury (n m : nat) (A B : matrix n n) (U : matrix n m) (V : matrix m n) (C D K : matrix m m) :
  A * B = 1 -> C * D = 1 -> (D + V * B * U) * K = 1 ->
  (A + U * C * V) * (B - B * U * K * V * B) = 1.
Proof.
  intros inverse centre capacity.
  pose proof (cancel_plus D (V * B * U) K (V * B) capacity) as rule. words_in rule.
  words. rewrite inverse, (cancel A B (U * (K * (V * B))) inverse), rule. words.
  rewrite (cancel C D (K * (V * B)) centre). entries.
Qed.

(** Mirrors [matrix.sherman-morrison]. *)
Theorem matrix_sherman_morrison (n : nat) (A B : matrix n n) (u : matrix n 1) (v : matrix 1 n) (k : matrix 1 1) :
  A * B = 1 -> (1 + v * B * u) * k = 1 -> (A + u * v) * (B - B * u * k * v * B) = 1.
Proof.
  intros inverse number. pose proof (matrix_woodbury n 1 A B u v 1 1 k inverse (times_unit_l 1) number) as whole.
  now rewrite times_unit_r in whole.
Qed.

(** Mirrors [matrix.downdate]. *)
Theorem matrix_downdate (n m : nat) (A B : matrix n n) (U : matrix n m) (V : matrix m n) (K : matrix m m) :
  A * B = 1 -> (1 - V * B * U) * K = 1 -> (A - U * V) * (B + B * U * K * V * B) = 1.
Proof.
  intros inverse capacity.
  pose proof (cancel_minus 1 (V * B * U) K (V * B) capacity) as rule. words_in rule.
  words. rewrite inverse, (cancel A B (U * (K * (V * B))) inverse), rule. words. entries.
Qed.

(** Mirrors [matrix.exact-deletion]. *)
Theorem matrix_exact_deletion (n m : nat) (A B : matrix n n) (U : matrix n m) (V : matrix m n) (K : matrix m m)
  (b w : matrix n 1) (y : matrix m 1) :
  A * w = b -> A * B = 1 -> (1 - V * B * U) * K = 1 ->
  (A - U * V) * (w + B * U * K * (V * w - y)) = b - U * y.
Proof.
  intros solution inverse capacity. set (z := V * w - y).
  pose proof (cancel_minus 1 (V * B * U) K z capacity) as rule. words_in rule.
  words. rewrite solution, (cancel A B (U * (K * z)) inverse), rule. unfold z. words. entries.
Qed.

(** Mirrors [matrix.residual]. *)
Theorem matrix_residual (n : nat) (A B : matrix n n) (x z v r : matrix n 1) :
  B * A = 1 -> A * x = v -> r = v - A * z -> x - z = B * r.
Proof. intros inverse solution ->. rewrite <- solution. words. now rewrite !(cancel B A _ inverse). Qed.

(** Mirrors [matrix.dual-correction]. *)
Theorem matrix_dual_correction (n : nat) (A B : matrix n n) (x z v r : matrix n 1) (u y s : matrix 1 n) :
  B * A = 1 -> A * x = v -> r = v - A * z -> s = u - y * A ->
  u * x - (u * z + y * r) = s * B * r.
Proof.
  intros inverse solution residual dual. rewrite times_assoc, <- (matrix_residual n A B x z v r inverse solution residual).
  rewrite residual, dual, <- solution. words. entries.
Qed.

(** Mirrors [matrix.resolvent]. *)
Theorem matrix_resolvent (n : nat) (A B P Q : matrix n n) :
  P * A = 1 -> B * Q = 1 -> P - Q = P * (B - A) * Q.
Proof. intros left right. words. now rewrite right, (cancel P A Q left), times_unit_r. Qed.

(** Mirrors [matrix.schur-complement]. *)
Theorem matrix_schur_complement (n m : nat) (A E : matrix n n) (B : matrix n m) (C : matrix m n) (D : matrix m m)
  (x f : matrix n 1) (y g : matrix m 1) :
  E * A = 1 -> A * x + B * y = f -> C * x + D * y = g -> (D - C * E * B) * y = g - C * E * f.
Proof.
  intros inverse first second. rewrite <- first, <- second. words. rewrite (cancel E A x inverse). entries.
Qed.
