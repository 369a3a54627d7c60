import lightgbm as lgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
train_set = lgb.Dataset(X_train, y_train)
valid = lgb.Dataset(X_test, y_test, reference=train_set)
booster = lgb.train(
    {"objective": "binary", "verbose": -1, "num_leaves": 7},
    train_set,
    num_boost_round=30,
    valid_sets=[train_set, valid],
    callbacks=[lgb.early_stopping(5, verbose=False)],
)
print(f1_score(y_test, booster.predict(X_test) > 0.5))
